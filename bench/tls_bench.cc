// What TLS costs the broker: a handshake, sealing and opening of data, and the heap of a connection that is idle. The
// clients' part is not counted. docs/decisions/0006-tls.md has figures.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>

#include "net/testing/fake_network.h"
#include "net/testing/memory_files.h"
#include "net/testing/tls_peer.h"
#include "net/tls_context.h"

namespace martlet::net::testing {
namespace {

enum Mode : std::int64_t { kPlain, kClientCertificate, kSharedKey };

struct Listener {
  explicit Listener(Mode mode) {
    options.certificate = "server.pem";
    if (mode == kSharedKey) {
      options = {};
      options.psk_file = "psk";
    } else if (mode == kClientCertificate) {
      options.client_ca_file = "ca.pem";
      options.require_certificate = true;
    }
    files.contents["server.pem"] = server.both_pem();
    files.contents["ca.pem"] = authority.pem();
    files.contents["psk"] = "device:000102030405060708090a0b0c0d0e0f\n";
    context = std::move(*TlsContext::make(options, false, files, clock));
    if (mode == kClientCertificate) wants.certificate = &device;
    if (mode != kSharedKey) return;
    wants.psk_identity = "device";
    for (char i = 0; i < 16; ++i) wants.psk_key += i;
  }

  // A connection through its handshake, without its client.
  TlsServer connect() {
    TlsClient client(wants);
    TlsServer made(context->make("192.0.2.1:50123"));
    talk(client, made);
    return made;
  }

  MemoryFiles files;
  FakeClock clock;
  Certificate authority = make_authority("Authority");
  Certificate server{{"server", {"broker.example"}}, &authority};
  Certificate device{{"device-7"}, &authority};
  TlsOptions options;
  std::unique_ptr<TlsContext> context;
  TlsClientOptions wants;
};

int version_of(const benchmark::State& state) {
  return state.range(0) == 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

// Arguments: 2 or 3 (the version), the mode.
void idle_bytes(benchmark::State& state) {
  Listener listener(static_cast<Mode>(state.range(1)));
  listener.wants.version = version_of(state);
  constexpr std::size_t kConnections = 1'000;
  std::vector<TlsServer> kept;
  kept.reserve(kConnections);
  // What the library keeps once is not a connection's.
  for (int i = 0; i < 20; ++i) listener.connect();
  for (auto _ : state) {
    kept.clear();
    const std::size_t before = mallinfo2().uordblks;
    for (std::size_t i = 0; i < kConnections; ++i) {
      kept.push_back(listener.connect());
      kept.back().down = ByteChain();
    }
    const std::size_t after = mallinfo2().uordblks;
    state.counters["bytes"] = static_cast<double>(after - before) / kConnections;
  }
}
BENCHMARK(idle_bytes)
    ->ArgNames({"version", "mode"})
    ->ArgsProduct({{2, 3}, {kPlain, kClientCertificate, kSharedKey}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// The server's part of a handshake: the client works while the clock stands still.
void handshake(benchmark::State& state, Mode mode, bool resumed) {
  Listener listener(mode);
  listener.wants.version = version_of(state);
  TlsClient first(listener.wants);
  TlsServer first_server(listener.context->make({}));
  talk(first, first_server);
  if (resumed) listener.wants.resume = first.sessions.at(0);
  for (auto _ : state) {
    state.PauseTiming();
    TlsClient client(listener.wants);
    TlsServer server(listener.context->make({}));
    while (!server.layer->ready()) {
      client.step();
      const std::string wire = client.output();
      state.ResumeTiming();
      server.receive(wire);
      state.PauseTiming();
      client.take(as_bytes(server.output()));
    }
    state.ResumeTiming();
  }
}
BENCHMARK_CAPTURE(handshake, certificate, kPlain, false)->Arg(2)->Arg(3);
BENCHMARK_CAPTURE(handshake, client_certificate, kClientCertificate, false)->Arg(2)->Arg(3);
BENCHMARK_CAPTURE(handshake, resumed, kPlain, true)->Arg(2)->Arg(3);
BENCHMARK_CAPTURE(handshake, shared_key, kSharedKey, false)->Arg(2)->Arg(3);

// One turn's bytes out. Argument: how many.
void seal(benchmark::State& state) {
  Listener listener(kPlain);
  TlsServer server = listener.connect();
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    server.send(text);
    server.down.consume(server.down.size());
  }
}
BENCHMARK(seal)->Arg(64)->Arg(1'024)->Arg(16'384);

// A record in. Argument: how many bytes it carries.
void open(benchmark::State& state) {
  Listener listener(kPlain);
  TlsClient client(listener.wants);
  TlsServer server(listener.context->make({}));
  talk(client, server);
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  std::vector<std::string> records(1'000);
  std::size_t next = records.size();
  for (auto _ : state) {
    if (next == records.size()) {
      state.PauseTiming();
      for (std::string& record : records) {
        client.write(text);
        record = client.output();
      }
      next = 0;
      state.ResumeTiming();
    }
    server.receive(records[next++]);
    server.up.clear();
  }
}
BENCHMARK(open)->Arg(64)->Arg(1'024)->Arg(16'384);

}  // namespace
}  // namespace martlet::net::testing
