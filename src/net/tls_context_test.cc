#include "net/tls_context.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>

#include "net/testing/tls_fixture.h"
#include "net/tls_ticket_keys.h"

namespace martlet::net::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class TlsContextTest : public TlsTest {
 protected:
  // The fingerprint of what a client with these wishes is shown.
  std::string shown(const TlsClientOptions& wants) {
    TlsClient client(wants);
    TlsServer server = accept();
    talk(client, server);
    EXPECT_TRUE(server.layer->ready()) << server.layer->failure();
    return fingerprint(client);
  }
  static std::string fingerprint(const TlsClient& client) {
    const X509* certificate = client.server_shown.get();
    return certificate ? subject_of(certificate) : std::string();
  }
  static TlsClientOptions named(const std::string& server_name) {
    TlsClientOptions wants;
    wants.server_name = server_name;
    return wants;
  }
  // Adds a file to more_certificates.
  void add(const std::string& file, const CertificateOptions& certificate) {
    files.contents[file] = Certificate(certificate, &authority).both_pem();
    options.more_certificates.push_back(file);
  }
};

TEST_F(TlsContextTest, ErrorsNameTheOptionAndTheFile) {
  const Certificate other({"other"}, &authority);
  files.contents["other.key"] = other.key_pem();
  files.contents["empty"] = "";
  files.contents["damaged"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const TlsOptions good = options;
  const auto error_with = [&](const auto& change) {
    options = good;
    change(options);
    return build_error();
  };
  EXPECT_EQ(error_with([](TlsOptions&) {}), "none");
  EXPECT_EQ(
      error_with([](TlsOptions& it) { it.certificate = "gone.pem"; }),
      "certificate: cannot open 'gone.pem': No such file or directory; check the path and that the broker's user may "
      "read it");
  EXPECT_THAT(error_with([](TlsOptions& it) { it.certificate = "empty"; }),
              StartsWith("certificate: no certificate in 'empty'"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.certificate = "damaged"; }),
              StartsWith("certificate: a certificate in 'damaged' is damaged: "));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.key = "gone.key"; }), StartsWith("key: cannot open 'gone.key'"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.key = ""; }),
              StartsWith("certificate: no private key in 'server.pem'"));
  EXPECT_EQ(
      error_with([](TlsOptions& it) { it.key = "other.key"; }),
      "key: the key in 'other.key' does not belong to the first certificate in 'server.pem' (CN=server,O=Martlet); "
      "give the key that it was made with");
  EXPECT_THAT(error_with([](TlsOptions& it) { it.more_certificates = {"ca.pem"}; }),
              StartsWith("more_certificates: no private key in 'ca.pem'"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.client_ca_file = "empty"; }),
              StartsWith("client_ca: no certificate in 'empty'"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.client_ca_file = "damaged"; }),
              StartsWith("client_ca: certificate 1 in 'damaged' is damaged: "));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.require_certificate = true; }),
              StartsWith("require_certificate: it needs client_ca"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.crl_file = "empty"; }), StartsWith("crl: it needs client_ca"));
  EXPECT_THAT(error_with([](TlsOptions& it) {
                it.client_ca_file = "ca.pem";
                it.crl_file = "empty";
              }),
              StartsWith("crl: no list of revoked certificates in 'empty'"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.ciphers = "NONSENSE"; }), StartsWith("ciphers: \"NONSENSE\""));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.cipher_suites = "NONSENSE"; }),
              StartsWith("cipher_suites: \"NONSENSE\""));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.dh_file = "ca.pem"; }), StartsWith("dh: no DH parameters in"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.key_log_file = "keys.log"; }),
              AllOf(StartsWith("key_log: "), HasSubstr("install -m 600")));
  EXPECT_THAT(error_with([](TlsOptions& it) {
                it.min_version = TlsVersion::v1_3;
                it.max_version = TlsVersion::v1_2;
              }),
              StartsWith("min_version: it is above max_version"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it.psk_hint = std::string(300, 'h'); }),
              StartsWith("psk_hint: it is longer than 256 bytes"));
  const Certificate weak({.common_name = "weak", .dns_names = {"weak.example"}, .key = KeyKind::weak_rsa}, &authority);
  files.contents["weak.pem"] = weak.both_pem();
  EXPECT_THAT(error_with([](TlsOptions& it) { it.more_certificates = {"weak.pem"}; }),
              StartsWith("more_certificates: 'weak.pem': OpenSSL refuses to use it: ee key too small"));
  EXPECT_THAT(error_with([](TlsOptions& it) { it = TlsOptions(); }), StartsWith("certificate: TLS needs one"));
}

TEST_F(TlsContextTest, AKeyWithAPasswordIsAnErrorNotAQuestion) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), server_certificate.key(), EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
  files.contents["server.key"] = bio_text(out.get());
  EXPECT_THAT(build_error(), StartsWith("key: the key in 'server.key' has a password; write one without"));
}

TEST_F(TlsContextTest, TheLineOfABadPskFileIsNamed) {
  options.psk_file = "psk";
  files.contents["psk"] = "# keys\n\na:00112233445566778899aabbccddeeff\nb:0g\n";
  EXPECT_EQ(build_error(), "psk_file: psk:4: the key is not bytes in hexadecimal (two digits each)");
}

TEST_F(TlsContextTest, WarnsOfKeysThatCanBeGuessed) {
  options.psk_file = "psk";
  files.contents["psk"] = "a:00\n";
  build();
  EXPECT_THAT(context->warnings(), ElementsAre(StartsWith("psk_file: 1 keys in 'psk' have less than 16 bytes")));
}

TEST_F(TlsContextTest, KnowsWhenEachCertificateEnds) {
  add("soon.pem", {.common_name = "soon", .dns_names = {"soon.example"}, .not_after = "20240101000000Z"});
  build();
  const std::vector<TlsValidity> validities = context->validities();
  ASSERT_EQ(validities.size(), 2u);
  EXPECT_EQ(validities[0].source, "certificate: 'server.pem'");
  EXPECT_EQ(validities[1].source, "more_certificates: 'soon.pem'");
  EXPECT_EQ(validities[1].end_wall_ms, 1'704'067'200'000);
  EXPECT_EQ(validities[1].end_text, "Jan  1 00:00:00 2024 GMT");
  EXPECT_LT(validities[1].begin_wall_ms, validities[1].end_wall_ms);
  EXPECT_THAT(context->warnings(), IsEmpty());
}

TEST_F(TlsContextTest, WithKeysAloneNothingEnds) {
  options = {};
  options.psk_file = "psk";
  files.contents["psk"] = "a:00112233445566778899aabbccddeeff\n";
  build();
  EXPECT_THAT(context->validities(), IsEmpty());
}

TEST_F(TlsContextTest, NamesItsFiles) {
  add("more.pem", {"more", {"more.example"}});
  options.client_ca_file = "ca.pem";
  options.client_ca_dir = "authorities";
  options.crl_file = "crl.pem";
  files.contents["crl.pem"] = authority.crl_pem({});
  options.psk_file = "psk";
  files.contents["psk"] = "a:00112233445566778899aabbccddeeff\n";
  build();
  EXPECT_THAT(context->files(),
              ElementsAre("authorities", "ca.pem", "crl.pem", "more.pem", "psk", "server.key", "server.pem"));
}

TEST_F(TlsContextTest, ShowsTheCertificateOfTheNameThatIsAskedFor) {
  add("a.pem", {"a", {"a.example", "also-a.example"}});
  add("wild.pem", {"wild", {"*.wild.example"}});
  add("exact.pem", {"exact", {"exact.wild.example"}});
  add("name.pem", {"only-a-common-name.example"});
  build();
  EXPECT_EQ(shown({}), "CN=server,O=Martlet");
  EXPECT_EQ(shown(named("broker.example")), "CN=server,O=Martlet");
  EXPECT_EQ(shown(named("a.example")), "CN=a,O=Martlet");
  EXPECT_EQ(shown(named("ALSO-A.Example")), "CN=a,O=Martlet");
  EXPECT_EQ(shown(named("x.wild.example")), "CN=wild,O=Martlet");
  EXPECT_EQ(shown(named("exact.wild.example")), "CN=exact,O=Martlet");
  EXPECT_EQ(shown(named("x.y.wild.example")), "CN=server,O=Martlet") << "a wildcard is for one level";
  EXPECT_EQ(shown(named("wild.example")), "CN=server,O=Martlet");
  EXPECT_EQ(shown(named("only-a-common-name.example")), "CN=only-a-common-name.example,O=Martlet");
  EXPECT_EQ(shown(named("unknown.example")), "CN=server,O=Martlet");

  TlsClient client(named("x.wild.example"));
  TlsServer server = accept();
  talk(client, server);
  EXPECT_EQ(facts_of(server).server_name, "x.wild.example");
}

TEST_F(TlsContextTest, ShowsTheKindOfCertificateThatTheClientCanVerify) {
  add("rsa.pem", {.common_name = "server-rsa", .dns_names = {"broker.example"}, .key = KeyKind::rsa});
  add("a-rsa.pem", {.common_name = "a-rsa", .dns_names = {"a.example"}, .key = KeyKind::rsa});
  add("a-ec.pem", {.common_name = "a-ec", .dns_names = {"a.example"}});
  build();
  for (const char* name : {"", "broker.example", "unknown.example"}) {
    TlsClientOptions wants = named(name);
    wants.signature_algorithms = "rsa_pss_rsae_sha256";
    wants.version = TLS1_3_VERSION;
    EXPECT_EQ(shown(wants), "CN=server-rsa,O=Martlet") << name;
    wants.signature_algorithms = "ECDSA+SHA256";
    EXPECT_EQ(shown(wants), "CN=server,O=Martlet") << name;
  }
  TlsClientOptions wants = named("a.example");
  wants.signature_algorithms = "rsa_pss_rsae_sha256";
  EXPECT_EQ(shown(wants), "CN=a-rsa,O=Martlet");
  wants.signature_algorithms = "ECDSA+SHA256";
  EXPECT_EQ(shown(wants), "CN=a-ec,O=Martlet");
}

TEST_F(TlsContextTest, AReloadServesTheNewCertificateAndKeepsTheConnections) {
  build();
  TlsClient old_client({});
  TlsServer old_server = accept();
  talk(old_client, old_server);
  TlsClient under_way({});
  TlsServer under_way_server = accept();
  under_way.step();

  const Certificate renewed({"renewed", {"broker.example"}}, &authority);
  files.contents["server.pem"] = renewed.pem();
  files.contents["server.key"] = renewed.key_pem();
  reload();
  EXPECT_EQ(shown({}), "CN=renewed,O=Martlet");
  talk(under_way, under_way_server);
  EXPECT_EQ(fingerprint(under_way), "CN=server,O=Martlet");
  old_client.write("still here");
  talk(old_client, old_server);
  EXPECT_EQ(old_server.received(), "still here");
}

TEST_F(TlsContextTest, AReloadWithAnErrorChangesNothing) {
  build();
  files.contents["server.pem"] = "nonsense";
  const auto done = context->reload(options);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, StartsWith("certificate: "));
  EXPECT_EQ(shown({}), "CN=server,O=Martlet");
}

TEST_F(TlsContextTest, LayersOutliveTheContext) {
  build();
  TlsClient client({});
  TlsServer server = accept();
  context.reset();
  talk(client, server);
  EXPECT_TRUE(server.layer->ready());
}

TEST_F(TlsContextTest, WritesTheKeysOfSessionsForDebugging) {
  files.contents["keys.log"] = "";
  options.key_log_file = "keys.log";
  build();
  shown({});
  EXPECT_THAT(files.contents["keys.log"], AllOf(HasSubstr("CLIENT_TRAFFIC_SECRET_0 "), ::testing::EndsWith("\n")));
}

// Sessions that are resumed, with each version.
class TlsResumptionTest : public TlsContextTest, public ::testing::WithParamInterface<int> {
 protected:
  // Connects, and keeps the ticket for the next time. True if the session was resumed.
  bool connect() {
    TlsClientOptions wants;
    wants.version = GetParam();
    wants.resume = session.get();
    TlsClient client(wants);
    TlsServer server = accept();
    talk(client, server);
    EXPECT_TRUE(server.layer->ready()) << server.layer->failure();
    // OpenSSL does not resume what ended without a goodbye.
    SSL_shutdown(client.tls());
    tickets = client.sessions.size();
    if (GetParam() == TLS1_2_VERSION) {
      session.reset(SSL_get1_session(client.tls()));
    } else if (!client.sessions.empty()) {
      SSL_SESSION_up_ref(client.sessions.back());
      session.reset(client.sessions.back());
    }
    return SSL_session_reused(client.tls()) == 1;
  }

  std::unique_ptr<SSL_SESSION, OpenSslFree<SSL_SESSION_free>> session;
  std::size_t tickets = 0;
};

INSTANTIATE_TEST_SUITE_P(With, TlsResumptionTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) { return tested.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

TEST_P(TlsResumptionTest, ATicketResumes) {
  build();
  EXPECT_FALSE(connect());
  EXPECT_EQ(tickets, 1u);
  EXPECT_TRUE(connect());
}

TEST_P(TlsResumptionTest, ATicketOutlivesARenewedCertificate) {
  build();
  connect();
  const Certificate renewed({"renewed", {"broker.example"}}, &authority);
  files.contents["server.pem"] = renewed.pem();
  files.contents["server.key"] = renewed.key_pem();
  reload();
  EXPECT_TRUE(connect());
}

TEST_P(TlsResumptionTest, OtherRulesEndAllTickets) {
  build();
  connect();
  options.client_ca_file = "ca.pem";
  reload();
  EXPECT_FALSE(connect());
  EXPECT_TRUE(connect());
  files.contents["ca.pem"] += make_authority("Second").pem();
  reload();
  EXPECT_FALSE(connect());
}

TEST_P(TlsResumptionTest, AnAgedKeyStillOpensButNoLongerSeals) {
  build();
  connect();
  clock.advance(TlsTicketKeys::kNewestMs + 1);
  EXPECT_TRUE(connect());
  // With the new ticket the old key may go.
  clock.advance(TlsTicketKeys::kTicketSeconds * 1000 - 1);
  EXPECT_TRUE(connect());
}

TEST_P(TlsResumptionTest, AnOldKeyIsForgotten) {
  build();
  connect();
  clock.advance(TlsTicketKeys::kNewestMs + TlsTicketKeys::kTicketSeconds * 1000 + 1);
  EXPECT_FALSE(connect());
}

TEST_P(TlsResumptionTest, CanBeSwitchedOff) {
  options.session_resumption = false;
  build();
  EXPECT_FALSE(connect());
  EXPECT_EQ(tickets, 0u);
  EXPECT_FALSE(connect());
}

}  // namespace
}  // namespace martlet::net::testing
