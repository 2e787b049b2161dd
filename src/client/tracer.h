// Reads along what goes over a connection and shows each packet to a PacketTrace.
#pragma once

#include <cstddef>

#include "base/byte_chain.h"
#include "client/client_handler.h"
#include "wire/framer.h"
#include "wire/types.h"

namespace martlet::client {

class Tracer {
 public:
  Tracer(PacketTrace& trace, wire::ProtocolVersion version)
      : trace_(trace), version_(version), sent_(wire::kMaxPacketBytes), received_(wire::kMaxPacketBytes) {}

  // Shows what lies in `out` behind its first `seen_bytes`.
  void sent(const ByteChain& out, std::size_t seen_bytes);
  void received(ByteView bytes);

 private:
  PacketTrace& trace_;
  wire::ProtocolVersion version_;
  wire::Framer sent_;
  wire::Framer received_;
};

}  // namespace martlet::client
