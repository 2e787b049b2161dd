#include "auth/file_provider.h"

#include <gtest/gtest.h>

#include "auth/certificate_provider.h"
#include "auth/testing/provider_contract.h"

namespace martlet::auth {
namespace {

using testing::credentials_of;

// The password of "alice" is "secret-alice", of "sam" "pencil".
constexpr const char* kUsers =
    "alice:$7$101$Z/C4cPA+8w8111Sw$Z/3jL4E//"
    "jp4OvZjjIixk9SDO0QlkgtHn+bnXW2RvBYdL1UIfT3P4nlUMVwYNVEVEP2RItz6tRt7zclKUIyQew==\n"
    "sam:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n";

std::unique_ptr<FileProvider> make_provider() {
  return std::make_unique<FileProvider>("users", *PasswordFile::parse(kUsers, "users"));
}

TEST(FileProvider, KeepsTheContract) {
  testing::ProviderCase one;
  one.make = [] { return make_provider(); };
  one.right = [] { return credentials_of("alice", "secret-alice"); };
  one.wrong = [] { return credentials_of("alice", "secret-bob"); };
  one.unknown = [] { return credentials_of("bob", "secret-bob"); };
  one.username = "alice";
  testing::expect_contract(one);
}

TEST(FileProvider, ScramKeysCheckAPasswordToo) {
  const auto provider = make_provider();
  EXPECT_EQ(provider->check(credentials_of("sam", "pencil"), 0).kind, Opinion::Kind::allow);
  EXPECT_EQ(provider->check(credentials_of("sam", "pencils"), 0).kind, Opinion::Kind::refuse);
}

TEST(FileProvider, WhoHasNoKeysIsShownTheSameFakeOnesAlways) {
  const auto provider = make_provider();
  const auto again = make_provider();
  EXPECT_TRUE(provider->has_scram());
  EXPECT_TRUE(provider->scram_keys("sam"));
  EXPECT_FALSE(provider->scram_keys("alice"));
  const PasswordHash fake = provider->fake_scram_keys("alice");
  EXPECT_EQ(fake.salt, again->fake_scram_keys("alice").salt);
  EXPECT_NE(fake.salt, again->fake_scram_keys("bob").salt);
  EXPECT_EQ(fake.salt.size(), provider->scram_keys("sam")->salt.size());
  EXPECT_EQ(fake.iterations, provider->scram_keys("sam")->iterations);
}

Credentials with_certificate() {
  auto peer = std::make_shared<PeerFacts>();
  peer->certificate_name = "device-1";
  peer->certificate_subject = "CN=device-1,O=Acme";
  peer->certificate_fingerprint = "ab12";
  Credentials credentials = credentials_of("somebody else", "");
  credentials.peer = peer;
  return credentials;
}

TEST(CertificateProvider, KeepsTheContract) {
  testing::ProviderCase one;
  one.make = [] { return std::make_unique<CertificateProvider>("certificate", CertificateName::common_name); };
  one.right = with_certificate;
  one.unknown = [] { return credentials_of("device-1", "secret"); };
  one.username = "device-1";
  testing::expect_contract(one);
}

TEST(CertificateProvider, TakesTheNameThatIsAskedFor) {
  const auto name_from = [](CertificateName from, const Credentials& credentials) {
    return CertificateProvider("c", from).check(credentials, 0).username;
  };
  EXPECT_EQ(name_from(CertificateName::subject, with_certificate()), "CN=device-1,O=Acme");
  EXPECT_EQ(name_from(CertificateName::fingerprint, with_certificate()), "ab12");
  Credentials by_key = with_certificate();
  auto peer = std::make_shared<PeerFacts>();
  peer->psk_identity = "meter-7";
  by_key.peer = peer;
  EXPECT_EQ(name_from(CertificateName::common_name, by_key), "meter-7");
}

}  // namespace
}  // namespace martlet::auth
