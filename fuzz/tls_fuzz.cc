// What a client sends to a TLS port, at once and in chunks: the same end, bounded answers, nothing let through without
// a handshake. The first byte of the input chooses the chunks.
#include <algorithm>
#include <memory>
#include <vector>

#include "base/check.h"
#include "net/testing/certificates.h"
#include "net/testing/fake_network.h"
#include "net/testing/memory_files.h"
#include "net/tls_context.h"

using namespace martlet;
using namespace martlet::net;

namespace {

struct Listener {
  Listener() {
    const testing::Certificate authority = testing::make_authority("Authority");
    files.contents["server"] = testing::Certificate({"server", {"broker.example"}}, &authority).both_pem();
    files.contents["ca"] = authority.pem();
    files.contents["psk"] = "device:000102030405060708090a0b0c0d0e0f\n";
    TlsOptions options;
    options.certificate = "server";
    options.client_ca_file = "ca";
    options.psk_file = "psk";
    context = std::move(*TlsContext::make(options, false, files, clock));
  }
  testing::MemoryFiles files;
  testing::FakeClock clock;
  std::unique_ptr<TlsContext> context;
};

LayerStatus run(LayerFactory& factory, ByteView bytes, std::size_t chunk_bytes) {
  const std::unique_ptr<StreamLayer> layer = factory.make("192.0.2.1:50123");
  std::vector<std::uint8_t> up;
  ByteChain down;
  LayerStatus status = LayerStatus::open;
  const std::size_t size = bytes.size();
  while (!bytes.empty()) {
    const std::size_t count = std::min(chunk_bytes, bytes.size());
    status = layer->receive(bytes.first(count), up, down);
    bytes = bytes.subspan(count);
  }
  check(up.empty() || layer->ready(), "nothing passes without a handshake");
  check(down.size() <= 16'384 + size, "an answer has a bound");
  check((status == LayerStatus::failed) != layer->failure().empty(), "a failure has a reason, and nothing else has");
  return status;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Listener listener;
  if (size < 2) return 0;
  const ByteView bytes(data + 1, size - 1);
  const LayerStatus whole = run(*listener.context, bytes, bytes.size());
  check(whole == run(*listener.context, bytes, 1 + data[0]), "chunks change nothing");
  return 0;
}
