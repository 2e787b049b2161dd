// Clients that show certificates.
#include <gmock/gmock.h>

#include "net/testing/tls_fixture.h"

namespace martlet::net::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class TlsClientCertificateTest : public TlsTest, public ::testing::WithParamInterface<int> {
 protected:
  TlsClientCertificateTest() : device({"device-7"}, &authority) {
    options.client_ca_file = "ca.pem";
    options.require_certificate = true;
  }

  // What a client with this certificate gets; the layer is in `server`.
  LayerStatus try_with(const Certificate* certificate, const std::vector<const Certificate*>& chain = {}) {
    TlsClientOptions wants;
    wants.version = GetParam();
    wants.certificate = certificate;
    wants.chain = chain;
    TlsClient client(wants);
    server.emplace(accept());
    talk(client, *server);
    return server->status;
  }
  std::string failure() const { return std::string(server->layer->failure()); }

  Certificate device;
  std::optional<TlsServer> server;
};

INSTANTIATE_TEST_SUITE_P(With, TlsClientCertificateTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) { return tested.param == TLS1_2_VERSION ? "v1_2" : "v1_3"; });

TEST_P(TlsClientCertificateTest, AGoodOneIsTheIdentity) {
  build();
  ASSERT_EQ(try_with(&device), LayerStatus::open) << failure();
  ASSERT_TRUE(server->layer->ready());
  const PeerFacts facts = facts_of(*server);
  EXPECT_EQ(facts.certificate_name, "device-7");
  EXPECT_EQ(facts.certificate_subject, "CN=device-7,O=Martlet");
  EXPECT_EQ(facts.certificate_fingerprint, device.fingerprint());
}

TEST_P(TlsClientCertificateTest, NoneIsRefusedWhereOneIsRequired) {
  build();
  EXPECT_EQ(try_with(nullptr), LayerStatus::failed);
  EXPECT_EQ(failure(), "TLS handshake: the client sent no certificate, and this listener requires one");
}

TEST_P(TlsClientCertificateTest, NoneIsFineWhereItIsNotRequired) {
  options.require_certificate = false;
  build();
  EXPECT_EQ(try_with(nullptr), LayerStatus::open);
  EXPECT_TRUE(server->layer->ready());
  EXPECT_THAT(facts_of(*server).certificate_subject, IsEmpty());
}

TEST_P(TlsClientCertificateTest, ABadOneIsRefusedEvenWhereNoneIsRequired) {
  options.require_certificate = false;
  build();
  const Certificate stranger({"device-7"});
  EXPECT_EQ(try_with(&stranger), LayerStatus::failed);
}

TEST_P(TlsClientCertificateTest, OneThatNobodyAskedForIsNoIdentity) {
  options.require_certificate = false;
  options.client_ca_file.clear();
  build();
  EXPECT_EQ(try_with(&device), LayerStatus::open);
  EXPECT_TRUE(server->layer->ready());
  EXPECT_THAT(facts_of(*server).certificate_name, IsEmpty());
}

TEST_P(TlsClientCertificateTest, AnExpiredOneIsRefused) {
  build();
  const Certificate old({.common_name = "device-8", .not_after = "20210101000000Z"}, &authority);
  EXPECT_EQ(try_with(&old), LayerStatus::failed);
  EXPECT_EQ(failure(),
            "TLS handshake: the client's certificate is refused: certificate has expired (\"CN=device-8,O=Martlet\")");
}

TEST_P(TlsClientCertificateTest, OneOfAnotherAuthorityIsRefused) {
  build();
  // With the same name, so that only the signature tells.
  const Certificate other = make_authority("Authority");
  const Certificate stranger({"device-7"}, &other);
  EXPECT_EQ(try_with(&stranger), LayerStatus::failed);
  EXPECT_THAT(failure(),
              AllOf(StartsWith("TLS handshake: the client's certificate is refused: "), HasSubstr("device-7")));
}

TEST_P(TlsClientCertificateTest, ARevokedOneIsRefused) {
  const Certificate lost({"device-9"}, &authority);
  files.contents["crl.pem"] = authority.crl_pem({&lost});
  options.crl_file = "crl.pem";
  build();
  EXPECT_EQ(try_with(&device), LayerStatus::open);
  EXPECT_EQ(try_with(&lost), LayerStatus::failed);
  EXPECT_THAT(failure(), EndsWith("certificate revoked (\"CN=device-9,O=Martlet\")"));
}

TEST_P(TlsClientCertificateTest, ARevokedAuthorityInBetweenIsRefusedIfItsListIsThere) {
  const Certificate between = make_authority("Between", &authority);
  const Certificate below({"device-10"}, &between);
  options.crl_file = "crl.pem";
  // Only the list of the client's own authority: that of the root may be missing.
  files.contents["crl.pem"] = between.crl_pem({});
  build();
  EXPECT_EQ(try_with(&below, {&between}), LayerStatus::open) << failure();
  files.contents["crl.pem"] += authority.crl_pem({&between});
  reload();
  EXPECT_EQ(try_with(&below, {&between}), LayerStatus::failed);
  EXPECT_THAT(failure(), EndsWith("certificate revoked (\"CN=Between,O=Martlet\")"));
}

TEST_P(TlsClientCertificateTest, WithoutItsAuthoritysListAClientIsRefused) {
  const Certificate other = make_authority("Other");
  files.contents["crl.pem"] = other.crl_pem({});
  options.crl_file = "crl.pem";
  build();
  EXPECT_EQ(try_with(&device), LayerStatus::failed);
  EXPECT_THAT(failure(), HasSubstr("unable to get certificate CRL"));
}

TEST_P(TlsClientCertificateTest, AListThatIsTooOldRefusesAndWarns) {
  files.contents["crl.pem"] = authority.crl_pem({}, "20210101000000Z");
  options.crl_file = "crl.pem";
  build();
  EXPECT_EQ(try_with(&device), LayerStatus::failed);
  EXPECT_THAT(failure(), HasSubstr("CRL has expired"));
  ASSERT_EQ(context->warnings().size(), 1u);
  EXPECT_THAT(context->warnings()[0], StartsWith("crl: list 1 in 'crl.pem' was to be replaced on Jan  1 "));
}

TEST_P(TlsClientCertificateTest, AZeroByteInTheNameIsRefused) {
  build();
  const Certificate forged({std::string("admin\0.example.com", 18)}, &authority);
  EXPECT_EQ(try_with(&forged), LayerStatus::failed);
  EXPECT_THAT(failure(), HasSubstr("its common name holds a zero byte"));
}

TEST_P(TlsClientCertificateTest, ATicketKeepsTheIdentityAndARevokedOneDoesNotResume) {
  files.contents["crl.pem"] = authority.crl_pem({});
  options.crl_file = "crl.pem";
  build();
  TlsClientOptions wants;
  wants.version = GetParam();
  wants.certificate = &device;
  TlsClient first(wants);
  TlsServer first_server = accept();
  talk(first, first_server);
  ASSERT_EQ(first.sessions.size(), 1u);
  wants.resume = first.sessions[0];

  TlsClient second(wants);
  TlsServer second_server = accept();
  talk(second, second_server);
  ASSERT_TRUE(second_server.layer->ready()) << second_server.layer->failure();
  EXPECT_EQ(SSL_session_reused(second.tls()), 1);
  EXPECT_EQ(facts_of(second_server).certificate_name, "device-7");
  EXPECT_EQ(facts_of(second_server).certificate_fingerprint, device.fingerprint());

  files.contents["crl.pem"] = authority.crl_pem({&device});
  reload();
  TlsClient third(wants);
  TlsServer third_server = accept();
  talk(third, third_server);
  EXPECT_EQ(third_server.status, LayerStatus::failed);
  EXPECT_THAT(std::string(third_server.layer->failure()), HasSubstr("certificate revoked"));
}

TEST_P(TlsClientCertificateTest, ATicketWithoutACertificateIsWorthNothingOnceOneIsRequired) {
  options.require_certificate = false;
  build();
  TlsClientOptions wants;
  wants.version = GetParam();
  TlsClient first(wants);
  TlsServer first_server = accept();
  talk(first, first_server);
  ASSERT_EQ(first.sessions.size(), 1u);
  wants.resume = first.sessions[0];
  options.require_certificate = true;
  reload();
  TlsClient second(wants);
  TlsServer second_server = accept();
  talk(second, second_server);
  EXPECT_EQ(second_server.status, LayerStatus::failed);
}

}  // namespace
}  // namespace martlet::net::testing
