// A listener's TLS over files in memory, and clients that talk with it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/testing/fake_network.h"
#include "net/testing/memory_files.h"
#include "net/testing/tls_peer.h"
#include "net/tls_context.h"

namespace martlet::net::testing {

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() : authority(make_authority("Authority")), server_certificate({"server", {"broker.example"}}, &authority) {
    files.contents["server.pem"] = server_certificate.pem();
    files.contents["server.key"] = server_certificate.key_pem();
    files.contents["ca.pem"] = authority.pem();
    options.certificate = "server.pem";
    options.key = "server.key";
  }

  // Makes `context` of `options`.
  void build(bool websocket = false) {
    auto made = TlsContext::make(options, websocket, files, clock);
    ASSERT_TRUE(made) << made.error().message;
    context = std::move(*made);
  }
  std::string build_error() {
    auto made = TlsContext::make(options, false, files, clock);
    return made ? "none" : made.error().message;
  }
  void reload() {
    const auto done = context->reload(options);
    ASSERT_TRUE(done) << done.error().message;
  }
  TlsServer accept() { return TlsServer(context->make("192.0.2.1:50123")); }

  MemoryFiles files;
  FakeClock clock;
  Certificate authority;
  Certificate server_certificate;
  TlsOptions options;
  std::unique_ptr<TlsContext> context;
};

inline PeerFacts facts_of(const TlsServer& server) {
  PeerFacts facts;
  server.layer->tell(facts);
  return facts;
}

}  // namespace martlet::net::testing
