// Key sets from a URL, over a real connection.
#include "auth/make_jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/testing/fakes.h"
#include "auth/testing/jwt_signer.h"
#include "auth/testing/loopback_server.h"
#include "auth/testing/provider_contract.h"

namespace martlet::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::JwtSigner;
using ::testing::StartsWith;

constexpr std::int64_t kNow = 1'800'000'000'000;

TEST(JwksUrl, IsAskedForItsKeys) {
  const JwtSigner signer = JwtSigner::ec("P-384");
  const std::string set = nlohmann::json{{"keys", {signer.jwk("k")}}}.dump();
  HttpServer server([&](const HttpServer::Request&) { return HttpServer::response(200, set); });
  testing::FileMap files;
  ProviderOptions options;
  options.name = "jwt";
  options.jwks = server.url("/keys");
  const auto provider = make_jwt(options, files, nullptr);
  ASSERT_TRUE(provider) << provider.error().message;
  EXPECT_TRUE((*provider)->blocks());
  EXPECT_TRUE(server.requests().empty()) << "nobody is asked before a client comes";
  for (int i = 0; i < 3; ++i) {
    const Opinion opinion =
        (*provider)->check(testing::credentials_of("", signer.token("ES384", R"({"sub":"a"})")), kNow);
    EXPECT_EQ(opinion.kind, Opinion::Kind::allow) << opinion.reason;
  }
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_THAT(server.requests()[0].head, StartsWith("GET /keys HTTP/1.1\r\n"));
}

TEST(JwksUrl, WithoutKeysATokenCannotBeChecked) {
  const JwtSigner signer = JwtSigner::ed25519();
  const std::string token = signer.token("EdDSA", R"({"sub":"a"})");
  HttpServer server([&](const HttpServer::Request&) { return HttpServer::response(404, "none"); });
  testing::FileMap files;
  ProviderOptions options;
  options.name = "jwt";
  options.jwks = server.url("/keys");
  std::vector<std::string> reports;
  const auto provider = make_jwt(options, files, [&](const std::string& text) { reports.push_back(text); });
  ASSERT_TRUE(provider) << provider.error().message;
  const Opinion opinion = (*provider)->check(testing::credentials_of("", token), kNow);
  EXPECT_EQ(opinion.kind, Opinion::Kind::failed);
  EXPECT_THAT(opinion.reason, HasSubstr("status 404"));
  EXPECT_THAT(reports, ElementsAre(HasSubstr("status 404")));
  EXPECT_EQ((*provider)->check(testing::credentials_of("a", "no token"), kNow).kind, Opinion::Kind::unknown);
}

}  // namespace
}  // namespace martlet::auth
