// A PUBLISH or SUBSCRIBE that waits for the authorizer's late answer. It owns its bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ticket.h"
#include "base/time.h"
#include "session/message.h"
#include "wire/packet.h"

namespace martlet::broker {

// A SUBSCRIBE on its way through its filters.
struct SubscribeRequest {
  std::uint16_t packet_id = 0;
  std::uint32_t identifier = 0;
  wire::FilterList filters;  // that are still to be decided on
  std::vector<std::uint8_t> reasons;
  Ticket ticket = Ticket::done();
  std::vector<std::uint8_t> bytes;  // where `filters` lie once they have to be kept

  void keep() {
    if (!bytes.empty()) return;
    const ByteView raw = filters.raw();
    bytes.assign(raw.begin(), raw.end());
    filters = wire::FilterList(bytes, true);
  }
};

struct PendingRequest {
  DeadlineMs answer_by_ms = kNever;
  session::MessageRef message;  // of a PUBLISH, ...
  std::uint16_t packet_id = 0;  // ... and its identifier
  SubscribeRequest subscribe;

  // As far as its answer needs it.
  wire::Publish publish() const {
    wire::Publish packet;
    packet.topic = message->topic();
    packet.payload = message->payload();
    packet.qos = message->facts().qos;
    packet.retain = message->facts().retain;
    packet.packet_id = packet_id;
    return packet;
  }
};

}  // namespace martlet::broker
