// The upgrade request and WebSocket frames on hostile bytes: whole and in chunks they must come to the same. The first
// byte picks the chunks and whether a good request comes first, so that frames are reached.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "net/testing/websocket_client.h"
#include "net/websocket_layer.h"

namespace {

using namespace martlet;
using namespace martlet::net;

const auto kOptions = std::make_shared<const WebSocketOptions>(
    WebSocketOptions{.path = "/mqtt", .origins = {"https://app.example"}, .max_header_bytes = 1024});

struct Outcome {
  LayerStatus status = LayerStatus::open;
  std::vector<std::uint8_t> up;
  std::string failure;
  PeerFacts facts;
  bool ready = false;
  std::size_t answer_bytes = 0;
};

// `random` none: in one piece.
Outcome read(std::string_view wire, Random* random) {
  WebSocketLayer layer(kOptions);
  Outcome outcome;
  while (!wire.empty() && outcome.status == LayerStatus::open) {
    const std::size_t size = random ? std::min<std::size_t>(1 + random->below(50), wire.size()) : wire.size();
    // A copy of its own, so that reading beyond a chunk is seen.
    const std::string chunk(wire.substr(0, size));
    ByteChain down;
    const bool was_ready = layer.ready();
    outcome.status = layer.receive(as_bytes(chunk), outcome.up, down);
    // At most a pong, or a close frame.
    check(!was_ready || down.size() <= 127, "an answer to frames is one control frame");
    outcome.answer_bytes += down.size();
    wire.remove_prefix(size);
  }
  ByteChain plain, down;
  plain.append(as_bytes("answer"));
  layer.send(plain, 100, down);
  check(down.empty() == (!layer.ready() || outcome.status == LayerStatus::failed), "answers need an open layer");
  layer.end(down);
  layer.end(down);
  layer.tell(outcome.facts);
  outcome.failure = layer.failure();
  outcome.ready = layer.ready();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string wire;
  if ((data[0] & 1) != 0) wire = net::testing::kBrowserUpgrade;
  wire.append(reinterpret_cast<const char*>(data + 1), size - 1);
  const Outcome whole = read(wire, nullptr);
  Random random(data[0]);
  const Outcome chunked = read(wire, &random);
  check(whole.status == chunked.status && whole.ready == chunked.ready, "chunks do not change the end");
  check(whole.up == chunked.up, "chunks do not change the bytes");
  check(whole.failure == chunked.failure, "chunks do not change the reason");
  check(whole.failure.empty() == (whole.status != LayerStatus::failed), "a failure has a reason");
  check(whole.facts.websocket_path == chunked.facts.websocket_path, "chunks do not change the path");
  check(whole.facts.websocket_origin == chunked.facts.websocket_origin, "chunks do not change the origin");
  check(whole.facts.forwarded_for == chunked.facts.forwarded_for, "chunks do not change where it came from");
  check(whole.up.size() <= wire.size(), "nothing is added");
  return 0;
}
