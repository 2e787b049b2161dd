#include "client/tracer.h"

#include <algorithm>
#include <vector>

#include "wire/decode.h"

namespace martlet::client {

void Tracer::sent(const ByteChain& out, std::size_t seen_bytes) {
  std::vector<ByteView> views(64);
  std::size_t count = out.front(views.data(), views.size());
  while (count == views.size()) {
    views.resize(views.size() * 2);
    count = out.front(views.data(), views.size());
  }
  views.resize(count);
  for (ByteView view : views) {
    const std::size_t skipped = std::min(seen_bytes, view.size());
    seen_bytes -= skipped;
    view = view.subspan(skipped);
    wire::Frame frame;
    while (sent_.next(view, frame) == wire::FrameStatus::frame) {
      const auto packet = wire::decode(frame.first_byte, frame.body, version_, wire::Sender::client);
      if (packet) trace_.sent(*packet);
    }
  }
}

void Tracer::received(ByteView bytes) {
  wire::Frame frame;
  while (received_.next(bytes, frame) == wire::FrameStatus::frame) {
    const auto packet = wire::decode(frame.first_byte, frame.body, version_, wire::Sender::server);
    if (packet) trace_.received(*packet);
  }
}

}  // namespace martlet::client
