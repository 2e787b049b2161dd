// A password in the URL of a service is refused or left out; no error shows it.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "auth/access_http.h"
#include "auth/lookups.h"
#include "auth/make_jwt.h"
#include "auth/testing/fakes.h"
#include "auth/workers.h"

namespace martlet::auth {
namespace {

constexpr const char* kPassword = "geheim";

ProviderOptions options(ProviderKind kind, const std::string& scheme, const std::string& host) {
  ProviderOptions made;
  made.kind = kind;
  made.name = "look-up";
  made.url = scheme + "://user:" + kPassword + "@" + host;
  made.bind_dn = "uid=%u";
  return made;
}

template <class Made>
void expect_silent(const Made& made) {
  ASSERT_FALSE(made) << "a password in the url is not accepted";
  EXPECT_NE(made.error().message.find("url: "), std::string::npos) << made.error().message;
  EXPECT_EQ(made.error().message.find(kPassword), std::string::npos) << made.error().message;
}

class UrlSecretsTest : public ::testing::TestWithParam<const char*> {
 protected:
  testing::FileMap files_;
};

// What follows the password need not be right.
INSTANTIATE_TEST_SUITE_P(Hosts, UrlSecretsTest, ::testing::Values("localhost/x", "", "[::1", "h:0x", "h/%zz", "h#y"));

TEST_P(UrlSecretsTest, Http) {
  expect_silent(make_http_provider(options(ProviderKind::http, "http", GetParam()), files_));
  expect_silent(make_http_provider(options(ProviderKind::http, "https", GetParam()), files_));
}

TEST_P(UrlSecretsTest, Postgresql) {
  const VerifyHash verify = [](std::string_view, ByteView) { return false; };
  expect_silent(make_postgresql_provider(options(ProviderKind::postgresql, "postgresql", GetParam()), files_, verify));
}

TEST_P(UrlSecretsTest, Redis) {
  const VerifyHash verify = [](std::string_view, ByteView) { return false; };
  expect_silent(make_redis_provider(options(ProviderKind::redis, "redis", GetParam()), files_, verify));
  expect_silent(make_redis_provider(options(ProviderKind::redis, "rediss", GetParam()), files_, verify));
}

TEST_P(UrlSecretsTest, Ldap) {
  expect_silent(make_ldap_provider(options(ProviderKind::ldap, "ldap", GetParam()), files_));
  expect_silent(make_ldap_provider(options(ProviderKind::ldap, "ldaps", GetParam()), files_));
}

TEST_P(UrlSecretsTest, KeysOfTokens) {
  ProviderOptions jwt = options(ProviderKind::jwt, "https", GetParam());
  jwt.jwks = std::exchange(jwt.url, {});
  expect_silent(make_jwt(jwt, files_, [](const std::string&) {}));
}

TEST_P(UrlSecretsTest, Authorization) {
  Workers workers(1, 1);
  AccessOptions access;
  access.kind = AccessKind::http;
  access.name = "rules";
  access.url = options(ProviderKind::http, "http", GetParam()).url;
  expect_silent(make_http_access(access, files_, workers));
  workers.stop(0);
}

}  // namespace
}  // namespace martlet::auth
