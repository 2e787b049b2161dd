// The PROXY header on hostile bytes: whole and in chunks it must come to the same. The first byte picks the chunks.
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "net/proxy_protocol.h"

namespace {

using namespace martlet;
using namespace martlet::net;

const ProxyOptions kOptions{.trusted = {}, .certificate_name = true};

struct Outcome {
  LayerStatus status = LayerStatus::open;
  std::vector<std::uint8_t> up;
  PeerFacts facts;
  std::string failure;
  bool ready = false;
};

// `random` none: in one piece.
Outcome read(ByteView wire, Random* random) {
  ProxyLayer layer(kOptions, "192.0.2.9:50000");
  Outcome outcome;
  ByteChain down;
  while (!wire.empty() && outcome.status == LayerStatus::open) {
    const std::size_t size = random ? std::min<std::size_t>(1 + random->below(40), wire.size()) : wire.size();
    // A copy of its own, so that reading beyond a chunk is seen.
    const std::vector<std::uint8_t> chunk(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size));
    outcome.status = layer.receive(chunk, outcome.up, down);
    wire = wire.subspan(size);
  }
  check(down.empty(), "a PROXY header is not answered");
  layer.tell(outcome.facts);
  outcome.failure = layer.failure();
  outcome.ready = layer.ready();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView wire(data + 1, size - 1);
  const Outcome whole = read(wire, nullptr);
  Random random(data[0]);
  const Outcome chunked = read(wire, &random);
  check(whole.status == chunked.status && whole.ready == chunked.ready, "chunks do not change the end");
  check(whole.up == chunked.up, "chunks do not change the bytes");
  check(whole.facts.address == chunked.facts.address, "chunks do not change the address");
  check(whole.facts.certificate_name == chunked.facts.certificate_name, "chunks do not change the name");
  check(whole.failure == chunked.failure, "chunks do not change the reason");
  check(whole.failure.empty() == (whole.status == LayerStatus::open), "a failure has a reason");
  check(whole.up.size() <= wire.size(), "nothing is added");
  return 0;
}
