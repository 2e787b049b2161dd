// Random legal packets for the property tests. Draws come from RapidCheck, so a failure shrinks.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "wire/packet.h"

namespace martlet::wire::test {

class PacketMaker {
 public:
  PacketMaker(ProtocolVersion version, Sender sender) : version_(version), sender_(sender) {}

  // Whether `sender` may write `type` in `version`.
  static bool exists(PacketType type, ProtocolVersion version, Sender sender);

  // The packet's views live as long as this object.
  Packet make(PacketType type);

 private:
  Packet make_connect();
  Packet make_connack();
  Packet make_publish();
  Packet make_publish_ack(PacketType type);
  Packet make_subscribe();
  Packet make_unsubscribe();
  Packet make_filter_ack(PacketType type);
  Packet make_disconnect();
  Packet make_auth();
  Will make_will();

  std::uint16_t packet_id();
  QoS qos();
  std::string_view text();
  std::string_view topic();
  ByteView blob();
  ReasonCode reason(PacketType type);
  Properties properties(std::uint32_t packet);
  void add_property(PropertyWriter& writer, const PropertyRow& row);
  FilterList filters(bool with_options);

  ProtocolVersion version_;
  Sender sender_;
  std::deque<std::string> texts_;
  std::deque<std::vector<std::uint8_t>> blobs_;
  std::deque<PropertyWriter> writers_;
  std::deque<FilterListWriter> lists_;
};

}  // namespace martlet::wire::test
