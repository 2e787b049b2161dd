#include "net/tls_layer.h"

#include <gmock/gmock.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "net/testing/tls_fixture.h"

namespace martlet::net::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The smallest group of RFC 7919, as parameters alone.
EVP_PKEY* make_dh_group() {
  const std::unique_ptr<EVP_PKEY_CTX, OpenSslFree<EVP_PKEY_CTX_free>> maker(
      EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr));
  EVP_PKEY* group = nullptr;
  std::string name = "ffdhe2048";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
                                   OSSL_PARAM_construct_end()};
  EVP_PKEY_paramgen_init(maker.get());
  EVP_PKEY_CTX_set_params(maker.get(), parameters);
  EVP_PKEY_paramgen(maker.get(), &group);
  return group;
}

// With each version.
class TlsVersionTest : public TlsTest, public ::testing::WithParamInterface<int> {
 protected:
  TlsClientOptions client_options() const {
    TlsClientOptions made;
    made.version = GetParam();
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(With, TlsVersionTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) { return tested.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

TEST_P(TlsVersionTest, ShakesHandsAndCarriesBytesBothWays) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  EXPECT_TRUE(server.layer->costly());
  EXPECT_FALSE(server.layer->ready());
  talk(client, server);
  ASSERT_TRUE(server.layer->ready()) << server.layer->failure();
  EXPECT_FALSE(server.layer->costly());

  client.write("from the client");
  server.send("from the server");
  talk(client, server);
  EXPECT_EQ(server.received(), "from the client");
  EXPECT_EQ(client.received, "from the server");

  const PeerFacts facts = facts_of(server);
  EXPECT_EQ(facts.tls_version, GetParam() == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
  EXPECT_EQ(facts.tls_cipher, SSL_get_cipher_name(client.tls()));
  EXPECT_THAT(facts.certificate_name, IsEmpty());
  EXPECT_THAT(facts.psk_identity, IsEmpty());
}

TEST_P(TlsVersionTest, AnyChunksOfTheWireCarryTheSame) {
  build();
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "some text ";
  for (const std::size_t chunk_bytes : {1, 2, 3, 5, 6, 7, 100, 1447, 16'406, 20'000}) {
    TlsClient client(client_options());
    TlsServer server = accept();
    talk(client, server, chunk_bytes);
    ASSERT_TRUE(server.layer->ready()) << chunk_bytes;
    client.write(text);
    client.write("end");
    talk(client, server, chunk_bytes);
    EXPECT_EQ(server.received(), text + "end") << chunk_bytes;
  }
}

TEST_P(TlsVersionTest, CarriesTheFirstBytesThatComeWithTheHandshake) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  client.step();
  // The client's last flight and its first data come in one piece.
  for (int round = 0; round < 3 && !client.ready(); ++round) {
    std::string out = client.output();
    if (client.ready()) break;
    server.receive(out);
    client.take(as_bytes(server.output()));
    client.step();
  }
  ASSERT_TRUE(client.ready());
  client.write("at once");
  server.receive(client.output());
  EXPECT_EQ(server.received(), "at once");
}

TEST_P(TlsVersionTest, GathersSmallPiecesIntoOneRecord) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  talk(client, server);
  BlockRef block = BlockRef::adopt(allocate_block(100));
  std::fill_n(block->data(), 100, std::uint8_t{'x'});
  ByteChain from;
  for (int i = 0; i < 50; ++i) from.append_shared(block, {block->data(), 100});
  server.layer->send(from, from.size(), server.down);
  EXPECT_TRUE(from.empty());
  const std::string wire = server.output();
  EXPECT_LT(wire.size(), 5'000 + 64u);  // each further record would add more than 20 bytes
  client.take(as_bytes(wire));
  client.step();
  EXPECT_EQ(client.received, std::string(5'000, 'x'));
}

TEST_P(TlsVersionTest, SendsNoMoreThanAskedAndNothingTooEarly) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  ByteChain from;
  const std::string text(100'000, 'y');
  from.append(as_bytes(text));
  server.layer->send(from, from.size(), server.down);
  EXPECT_EQ(from.size(), text.size());
  EXPECT_TRUE(server.down.empty());
  talk(client, server);
  server.layer->send(from, 40'000, server.down);
  EXPECT_EQ(from.size(), 60'000u);
  server.layer->send(from, 1'000'000, server.down);
  EXPECT_TRUE(from.empty());
  talk(client, server);
  EXPECT_EQ(client.received, text);
}

TEST_P(TlsVersionTest, SaysGoodbyeOnce) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  talk(client, server);
  server.send("last words");
  server.layer->end(server.down);
  server.layer->end(server.down);
  talk(client, server);
  EXPECT_TRUE(client.said_goodbye);
  EXPECT_EQ(client.received, "last words");
  ByteChain from;
  from.append(as_bytes("too late"));
  server.layer->send(from, from.size(), server.down);
  EXPECT_TRUE(server.down.empty());
}

TEST_P(TlsVersionTest, HearsTheGoodbye) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  talk(client, server);
  client.write("last words");
  SSL_shutdown(client.tls());
  server.receive(client.output());
  EXPECT_EQ(server.status, LayerStatus::ended);
  EXPECT_EQ(server.received(), "last words");
  EXPECT_EQ(server.receive("anything"), LayerStatus::ended);
}

TEST_P(TlsVersionTest, AChangedByteFails) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  talk(client, server);
  client.write("text");
  std::string wire = client.output();
  wire.back() = static_cast<char>(wire.back() ^ 1);
  EXPECT_EQ(server.receive(wire), LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), HasSubstr("TLS: decryption failed"));
  EXPECT_FALSE(server.down.empty()) << "an alert for the client";
  EXPECT_TRUE(server.up.empty());
}

TEST_P(TlsVersionTest, WhatIsNoRecordFailsAtOnce) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(server.receive(std::string(7, '\x16')), LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), Not(IsEmpty()));
}

TEST_P(TlsVersionTest, PrefersTheProtocolOfMqtt) {
  build();
  TlsClientOptions wants = client_options();
  wants.alpn = {"x-amzn-mqtt-ca", "http/1.1", "mqtt"};
  TlsClient client(wants);
  TlsServer server = accept();
  talk(client, server);
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(client.tls(), &name, &size);
  EXPECT_EQ(as_text({name, size}), "mqtt");
}

TEST_P(TlsVersionTest, ChoosesHttpForWebSocket) {
  build(true);
  TlsClientOptions wants = client_options();
  wants.alpn = {"h2", "http/1.1", "mqtt"};
  TlsClient client(wants);
  TlsServer server = accept();
  talk(client, server);
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(client.tls(), &name, &size);
  EXPECT_EQ(as_text({name, size}), "http/1.1");
}

TEST_P(TlsVersionTest, UnknownProtocolsAreNoReasonToRefuse) {
  build();
  TlsClientOptions wants = client_options();
  wants.alpn = {"x-amzn-mqtt-ca"};
  TlsClient client(wants);
  TlsServer server = accept();
  talk(client, server);
  EXPECT_TRUE(server.layer->ready());
}

class TlsPskTest : public TlsVersionTest {
 protected:
  TlsPskTest() {
    options = {};
    options.psk_file = "psk";
    files.contents["psk"] = "# devices\n\nsensor-1:000102030405060708090a0b0c0d0e0f\n";
  }
  TlsClientOptions psk_options(const std::string& identity, std::string key) const {
    TlsClientOptions made = client_options();
    made.psk_identity = identity;
    made.psk_key = std::move(key);
    return made;
  }
  static std::string good_key() {
    std::string key;
    for (char i = 0; i < 16; ++i) key += i;
    return key;
  }
};

INSTANTIATE_TEST_SUITE_P(With, TlsPskTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) { return tested.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

TEST_P(TlsPskTest, ASharedKeyOpensWithoutCertificates) {
  options.psk_hint = "hint";
  build();
  TlsClient client(psk_options("sensor-1", good_key()));
  TlsServer server = accept();
  talk(client, server);
  ASSERT_TRUE(server.layer->ready()) << server.layer->failure();
  EXPECT_EQ(facts_of(server).psk_identity, "sensor-1");
  client.write("in");
  talk(client, server);
  EXPECT_EQ(server.received(), "in");
}

TEST_P(TlsPskTest, WorksBesideCertificates) {
  options.certificate = "server.pem";
  options.key = "server.key";
  build();
  TlsClientOptions with_key = psk_options("sensor-1", good_key());
  with_key.ciphers = "PSK";
  TlsClient keyed(with_key);
  TlsServer first = accept();
  talk(keyed, first);
  ASSERT_TRUE(first.layer->ready()) << first.layer->failure();
  EXPECT_EQ(facts_of(first).psk_identity, "sensor-1");
  TlsClient plain(client_options());
  TlsServer second = accept();
  talk(plain, second);
  ASSERT_TRUE(second.layer->ready()) << second.layer->failure();
  EXPECT_THAT(facts_of(second).psk_identity, IsEmpty());
}

// Whoever knows a name could be its owner, if to name it were enough.
TEST_P(TlsPskTest, AnIdentityWhoseKeyWasNotUsedIsNobody) {
  options.certificate = "server.pem";
  options.key = "server.key";
  options.cipher_suites = "TLS_AES_256_GCM_SHA384";
  build();
  TlsClient liar(psk_options("sensor-1", std::string(16, '\1')));
  TlsServer server = accept();
  talk(liar, server);
  if (server.layer->ready()) {
    EXPECT_THAT(facts_of(server).psk_identity, IsEmpty());
  }
}

TEST_P(TlsPskTest, AWrongKeyBesideCertificatesIsNobodysEither) {
  options.certificate = "server.pem";
  options.key = "server.key";
  build();
  TlsClient liar(psk_options("sensor-1", std::string(16, '\1')));
  TlsServer server = accept();
  talk(liar, server);
  if (server.layer->ready()) {
    EXPECT_THAT(facts_of(server).psk_identity, IsEmpty());
  }
}

TEST_P(TlsPskTest, AnUnknownIdentityIsNamed) {
  build();
  TlsClient client(psk_options("sensor-2", good_key()));
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(server.status, LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), EndsWith("there is no PSK identity \"sensor-2\" in the file"));
}

TEST_P(TlsPskTest, AWrongKeyIsNamed) {
  build();
  TlsClient client(psk_options("sensor-1", std::string(16, '\1')));
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(server.status, LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), EndsWith("is the key for the PSK identity \"sensor-1\" right?"));
}

TEST_P(TlsPskTest, AClientWithoutAKeyIsRefused) {
  build();
  TlsClient client(client_options());
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(server.status, LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), HasSubstr("TLS handshake: "));
}

TEST_F(TlsTest, OldVersionsAreRefusedAndSaid) {
  options.min_version = TlsVersion::v1_3;
  build();
  TlsClientOptions old;
  old.version = TLS1_2_VERSION;
  TlsClient client(old);
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(server.status, LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), HasSubstr("offers no version of TLS that this listener allows"));
  EXPECT_THAT(client.error, HasSubstr("protocol version"));
}

TEST_F(TlsTest, TheNewestVersionCanBeForbidden) {
  options.max_version = TlsVersion::v1_2;
  build();
  TlsClient client({});
  TlsServer server = accept();
  talk(client, server);
  ASSERT_TRUE(server.layer->ready());
  EXPECT_EQ(facts_of(server).tls_version, "TLSv1.2");
}

TEST_F(TlsTest, TheServerPrefersItsOwnCiphers) {
  options.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256";
  build();
  TlsClientOptions wants;
  wants.version = TLS1_2_VERSION;
  wants.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305";
  TlsClient client(wants);
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(facts_of(server).tls_cipher, "ECDHE-ECDSA-CHACHA20-POLY1305");
}

TEST_F(TlsTest, NoCipherInCommonIsSaid) {
  options.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
  build();
  TlsClientOptions wants;
  wants.version = TLS1_2_VERSION;
  wants.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  TlsClient client(wants);
  TlsServer server = accept();
  talk(client, server);
  EXPECT_THAT(std::string(server.layer->failure()), HasSubstr("offers no cipher that this listener has"));
}

// A client can ask for it without computing anything itself.
TEST_F(TlsTest, NobodyMakesTheBrokerComputeDhe) {
  files.contents["rsa.pem"] =
      Certificate({.common_name = "rsa", .dns_names = {"rsa.example"}, .key = KeyKind::rsa}, &authority).both_pem();
  options.certificate = "rsa.pem";
  options.key.clear();
  build();
  TlsClientOptions old;
  old.version = TLS1_2_VERSION;
  old.ciphers = "DHE-RSA-AES256-GCM-SHA384";
  TlsClientOptions large;
  large.version = TLS1_3_VERSION;
  large.groups = "ffdhe8192";
  for (const TlsClientOptions& wants : {old, large}) {
    TlsClient client(wants);
    TlsServer server = accept();
    talk(client, server);
    EXPECT_EQ(server.status, LayerStatus::failed) << wants.version;
    EXPECT_EQ(client.ready(), false);
  }
}

TEST_F(TlsTest, WithParametersDheIsThere) {
  files.contents["rsa.pem"] =
      Certificate({.common_name = "rsa", .dns_names = {"rsa.example"}, .key = KeyKind::rsa}, &authority).both_pem();
  options.certificate = "rsa.pem";
  options.key.clear();
  options.dh_file = "dh.pem";
  const OwnedKey group(make_dh_group());
  const OwnedBio out(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_Parameters(out.get(), group.get()), 1);
  files.contents["dh.pem"] = bio_text(out.get());
  build();
  TlsClientOptions wants;
  wants.version = TLS1_2_VERSION;
  wants.ciphers = "DHE-RSA-AES256-GCM-SHA384";
  TlsClient client(wants);
  TlsServer server = accept();
  talk(client, server);
  EXPECT_TRUE(server.layer->ready()) << server.layer->failure();
}

TEST_F(TlsTest, TellsThatTheClientRefuses) {
  build();
  TlsClient client({});
  SSL_set_verify(client.tls(), SSL_VERIFY_PEER, nullptr);
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(server.status, LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), EndsWith("it does not accept this server's certificate"));
}

TEST_F(TlsTest, TellsWhatAStrangerSpeaks) {
  build();
  const auto failure_of = [&](std::string_view bytes) {
    TlsServer server = accept();
    server.receive(bytes);
    EXPECT_EQ(server.status, LayerStatus::failed) << bytes;
    return std::string(server.layer->failure());
  };
  EXPECT_THAT(failure_of({"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", 14}), HasSubstr("speaks no TLS, perhaps plain MQTT"));
  EXPECT_THAT(failure_of("GET / HTTP/1.1\r\n\r\n"), HasSubstr("speaks no TLS, perhaps plain HTTP"));
  EXPECT_THAT(failure_of("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), HasSubstr("the PROXY protocol"));
  EXPECT_THAT(failure_of({"\r\n\r\n\0\r\nQUIT\n", 12}), HasSubstr("the PROXY protocol"));
  EXPECT_THAT(failure_of("\x1b[31mred\n"), EndsWith("it began with \"\\x1b[31mred\\x0a\""));
  EXPECT_THAT(failure_of({"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10", 11}), HasSubstr("speaks no TLS")) << "SSL 2";
}

TEST_F(TlsTest, AStrangerIsToldFromHisFirstBytesInAnyChunks) {
  build();
  TlsServer server = accept();
  for (const char c : std::string_view("GET /")) server.receive({&c, 1});
  EXPECT_EQ(server.status, LayerStatus::failed);
  EXPECT_THAT(std::string(server.layer->failure()), HasSubstr("plain HTTP"));
}

TEST_F(TlsTest, ARecordThatIsTooLongIsRefusedByItsHeader) {
  build();
  TlsServer server = accept();
  EXPECT_EQ(server.receive({"\x16\x03\x01\xff\xff", 5}), LayerStatus::failed);
}

}  // namespace
}  // namespace martlet::net::testing
