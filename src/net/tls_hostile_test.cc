// Clients that want the broker to work, wait or remember for nothing.
#include <gmock/gmock.h>
#include <malloc.h>

#include "net/testing/tls_fixture.h"
#include "net/tls_layer.h"

namespace martlet::net::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsHostileTest : public TlsTest {
 protected:
  TlsHostileTest() { build(); }

  // A client and a server that are through the handshake.
  void meet(int version) {
    TlsClientOptions wants;
    wants.version = version;
    client = std::make_unique<TlsClient>(wants);
    server.emplace(accept());
    talk(*client, *server);
    ASSERT_TRUE(server->layer->ready());
  }
  std::string failure() const { return std::string(server->layer->failure()); }

  std::unique_ptr<TlsClient> client;
  std::optional<TlsServer> server;
};

// How many times the peer can ask for new keys until the layer has enough, at most `most`.
std::size_t key_updates(TlsClient& client, TlsServer& server, std::size_t most, std::string_view data_between) {
  for (std::size_t i = 0; i < most; ++i) {
    SSL_key_update(client.tls(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(client.tls());
    if (!data_between.empty()) client.write(data_between);
    if (server.receive(client.output()) != LayerStatus::open) return i;
  }
  return most;
}

TEST_F(TlsHostileTest, EndlessKeyUpdatesEnd) {
  meet(TLS1_3_VERSION);
  EXPECT_EQ(key_updates(*client, *server, 1'000, {}), TlsLayer::kMostBarren);
  EXPECT_THAT(failure(), HasSubstr("too many records without data"));
  // One small answer each, since the standard wants one.
  EXPECT_LT(server->down.size(), TlsLayer::kMostBarren * 32);
}

TEST_F(TlsHostileTest, KeyUpdatesAmongDataAreFine) {
  meet(TLS1_3_VERSION);
  const std::string data(TlsLayer::kBytesForBarren, 'd');
  EXPECT_EQ(key_updates(*client, *server, 500, data), 500u);
  server->send("still here");
  talk(*client, *server);
  EXPECT_EQ(client->received, "still here");
}

TEST_F(TlsHostileTest, RenegotiationIsRefused) {
  meet(TLS1_2_VERSION);
  SSL_renegotiate(client->tls());
  SSL_do_handshake(client->tls());
  const std::string hello = client->output();
  ASSERT_GT(hello.size(), 100u);
  server->receive(hello);
  const std::string answer = server->output();
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(answer[0], 21) << "an alert, no ServerHello";
  EXPECT_LT(answer.size(), 64u);
  EXPECT_TRUE(server->up.empty());
  client->take(as_bytes(answer));
  EXPECT_NE(SSL_do_handshake(client->tls()), 1);
  EXPECT_THAT(take_openssl_error(), HasSubstr("no renegotiation"));
}

TEST_F(TlsHostileTest, AnAlertThatIsNotSealedEnds) {
  meet(TLS1_2_VERSION);
  std::size_t sent = 0;
  for (; sent < 1'000 && server->status == LayerStatus::open; ++sent) {
    server->receive({"\x15\x03\x03\x00\x02\x01\x5a", 7});
  }
  EXPECT_EQ(server->status, LayerStatus::failed);
  EXPECT_LT(sent, 10u);
}

TEST_F(TlsHostileTest, AHandshakeThatNeverEndsHasABound) {
  server.emplace(accept());
  // Pieces of one huge ClientHello: type 1, 16 MB long.
  std::string record("\x16\x03\x01\x40\x00", 5);
  record += std::string(16 * 1024, '\0');
  std::string first = record;
  first[5] = 1;
  first[6] = '\xff';
  std::size_t sent_bytes = 0;
  server->receive(first);
  for (int i = 0; i < 1'000 && server->status == LayerStatus::open; ++i) {
    server->receive(record);
    sent_bytes += record.size();
  }
  EXPECT_EQ(server->status, LayerStatus::failed);
  EXPECT_LE(sent_bytes, TlsLayer::kMostHandshakeBytes + record.size());
}

TEST_F(TlsHostileTest, TinyRecordsOfAHandshakeHaveABound) {
  server.emplace(accept());
  server->receive({"\x16\x03\x01\x00\x04\x01\x00\xff\xff", 9});
  std::size_t records = 0;
  for (; records < 1'000'000 && server->status == LayerStatus::open; ++records) {
    server->receive({"\x16\x03\x01\x00\x01\x00", 6});
  }
  EXPECT_EQ(server->status, LayerStatus::failed);
  EXPECT_LE(records, TlsLayer::kMostHandshakeBytes / 6 + 1);
}

TEST_F(TlsHostileTest, WarningsInPlainEndTheHandshake) {
  server.emplace(accept());
  std::size_t sent = 0;
  for (; sent < 1'000 && server->status == LayerStatus::open; ++sent) {
    server->receive({"\x15\x03\x01\x00\x02\x01\x5a", 7});
  }
  EXPECT_EQ(server->status, LayerStatus::failed);
  EXPECT_LT(sent, 10u);
}

TEST_F(TlsHostileTest, ARecordThatNeverEndsTakesAsMuchMemoryAsCameOfIt) {
  meet(TLS1_3_VERSION);
  constexpr std::size_t kLayers = 200;
  std::vector<std::unique_ptr<TlsClient>> clients;
  std::vector<TlsServer> servers;
  servers.reserve(kLayers);
  for (std::size_t i = 0; i < kLayers; ++i) {
    clients.push_back(std::make_unique<TlsClient>(TlsClientOptions{}));
    servers.push_back(accept());
    talk(*clients.back(), servers.back());
    ASSERT_TRUE(servers.back().layer->ready());
  }
  const std::size_t before = mallinfo2().uordblks;
  // The header of 16 KiB, and a few bytes.
  for (TlsServer& it : servers) it.receive({"\x17\x03\x03\x40\x00qwertz", 11});
  const std::size_t after = mallinfo2().uordblks;
  // Under a sanitizer both are the same: its heap is another one.
  EXPECT_LT((after - before) / kLayers, 100u);
}

TEST_F(TlsHostileTest, RandomBytesAfterTheHandshakeOnlyFail) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    meet(version);
    std::string bytes("\x17\x03\x03\x00\x40", 5);
    for (int i = 0; i < 64; ++i) bytes += static_cast<char>(i * 37);
    EXPECT_EQ(server->receive(bytes), LayerStatus::failed);
    EXPECT_TRUE(server->up.empty());
    EXPECT_THAT(failure(), Not(HasSubstr("unknown error")));
  }
}

}  // namespace
}  // namespace martlet::net::testing
