// The HTTP provider against a server on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "auth/lookups.h"
#include "auth/testing/loopback_server.h"
#include "auth/testing/memory_files.h"
#include "auth/testing/provider_contract.h"
#include "auth/testing/small_services.h"

namespace martlet::auth {
namespace {

using nlohmann::json;
using testing::HttpServer;
using Kind = Opinion::Kind;
using ::testing::HasSubstr;

constexpr std::int64_t kWall = 1'700'000'000'000;
constexpr const char* kAllow = R"({"result": "allow"})";

Credentials ann() {
  return {"client-1", "ann", std::vector<std::uint8_t>{'p', '"', '\n'}, "192.0.2.1:50123", "tls", 0, nullptr};
}

class HttpLookupTest : public ::testing::Test {
 protected:
  std::unique_ptr<Provider> make(const std::string& url) {
    options_.url = url;
    auto provider = make_http_provider(options_, files_);
    EXPECT_TRUE(provider) << provider.error().message;
    return std::move(*provider);
  }
  std::string error_of(ProviderOptions options) {
    auto provider = make_http_provider(options, files_);
    return provider ? "" : provider.error().message;
  }

  ProviderOptions options_;
  testing::MemoryFiles files_;
};

TEST_F(HttpLookupTest, KeepsTheContract) {
  HttpServer server(testing::answer_of_users);
  testing::ProviderCase one;
  one.make = [&] { return make(server.url()); };
  one.right = [] { return testing::credentials_of("ann", "secret"); };
  one.wrong = [] { return testing::credentials_of("ann", "wrong"); };
  one.unknown = [] { return testing::credentials_of("bob", "secret"); };
  one.username = "ann";
  testing::expect_contract(one);
  options_.cache_s = 60;
  testing::expect_contract(one);
}

TEST_F(HttpLookupTest, TellsTheServiceWhoWantsToConnect) {
  HttpServer server([](const HttpServer::Request&) { return HttpServer::response(200, kAllow); });
  files_.texts["token"] = "s3cret\n";
  options_.token_file = "token";
  const auto provider = make(server.url("/mqtt?a=b"));
  Credentials credentials = ann();
  PeerFacts facts;
  facts.tls_version = "TLSv1.3";
  facts.certificate_name = "device-7";
  facts.certificate_fingerprint = "ab12";
  credentials.peer = std::make_shared<const PeerFacts>(facts);
  EXPECT_EQ(provider->check(credentials, kWall).kind, Kind::allow);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_THAT(requests[0].head, HasSubstr("POST /mqtt?a=b HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("Authorization: Bearer s3cret\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_EQ(json::parse(requests[0].body), json::parse(R"({"client_id": "client-1", "username": "ann",
      "password": "p\"\n", "address": "192.0.2.1", "listener": "tls", "tls": true, "certificate_name": "device-7",
      "certificate_fingerprint": "ab12"})"));
}

TEST_F(HttpLookupTest, OneConnectionServesOneQuestionAfterTheOther) {
  HttpServer server([](const HttpServer::Request&) { return HttpServer::response(200, kAllow); });
  const auto provider = make(server.url());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(provider->check(ann(), kWall).kind, Kind::allow);
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(HttpLookupTest, AConnectionThatWasClosedMeanwhileIsNoFailure) {
  HttpServer server([count = 0](const HttpServer::Request&) mutable {
    // The second question finds the connection closed, on its way or just before.
    return ++count == 2 ? std::string() : HttpServer::response(200, kAllow);
  });
  const auto provider = make(server.url());
  EXPECT_EQ(provider->check(ann(), kWall).kind, Kind::allow);
  EXPECT_EQ(provider->check(ann(), kWall).kind, Kind::allow);
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(HttpLookupTest, FollowsNoRedirect) {
  HttpServer other([](const HttpServer::Request&) { return HttpServer::response(200, kAllow); });
  HttpServer server(
      [&](const HttpServer::Request&) { return HttpServer::response(307, "", "Location: " + other.url() + "\r\n"); });
  const Opinion opinion = make(server.url())->check(ann(), kWall);
  EXPECT_EQ(opinion.kind, Kind::failed);
  EXPECT_THAT(opinion.reason, HasSubstr("status 307"));
  EXPECT_EQ(other.accepted(), 0);
}

TEST_F(HttpLookupTest, TakesNoAnswerWithoutBound) {
  HttpServer told([](const HttpServer::Request&) { return HttpServer::response(200, std::string(70'000, ' ')); });
  EXPECT_THAT(make(told.url())->check(ann(), kWall).reason, HasSubstr("more than 65536 bytes"));
  HttpServer untold([](const HttpServer::Request&) { return "HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, ' '); });
  EXPECT_THAT(make(untold.url())->check(ann(), kWall).reason, HasSubstr("more than 65536 bytes"));
}

TEST_F(HttpLookupTest, AServiceThatDoesNotAnswerIsAFailureWithinTheTimeLimit) {
  options_.timeout_ms = 50;
  testing::LoopbackServer silent([](int connection) {
    char room[256];
    while (::recv(connection, room, sizeof room, 0) > 0) {
    }
  });
  const auto provider = make("http://127.0.0.1:" + std::to_string(silent.port()) + "/");
  const Opinion opinion = provider->check(ann(), kWall);
  EXPECT_EQ(opinion.kind, Kind::failed);
  EXPECT_THAT(opinion.reason, HasSubstr("http: "));
  // Left alone for a second now.
  EXPECT_THAT(provider->check(ann(), kWall).reason, HasSubstr("is not asked"));
  EXPECT_EQ(silent.accepted(), 1);
}

TEST_F(HttpLookupTest, NothingThatIsNoTextIsSent) {
  HttpServer server([](const HttpServer::Request&) { return HttpServer::response(200, kAllow); });
  Credentials credentials = ann();
  credentials.password = std::vector<std::uint8_t>{0xFF, 0x00};
  EXPECT_EQ(make(server.url())->check(credentials, kWall).kind, Kind::unknown);
  EXPECT_EQ(server.accepted(), 0);
}

TEST_F(HttpLookupTest, ManyThreadsAtOnce) {
  HttpServer server([](const HttpServer::Request& request) {
    const bool ann_asks = json::parse(request.body)["username"] == "ann";
    return HttpServer::response(200, ann_asks ? kAllow : R"({"result": "deny"})", "Connection: close\r\n");
  });
  const auto provider = make(server.url());
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        Credentials credentials = ann();
        if (t % 2 == 1) credentials.username = "bob";
        if (provider->check(credentials, kWall).kind == (t % 2 == 1 ? Kind::refuse : Kind::allow)) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 80);
}

TEST_F(HttpLookupTest, OptionsThatCannotWorkAreErrorsThatNameThem) {
  const auto with_url = [](const std::string& url) {
    ProviderOptions options;
    options.url = url;
    return options;
  };
  EXPECT_THAT(error_of(with_url("")), HasSubstr("url: is not set"));
  for (const char* url : {"ftp://h/", "file:///etc/passwd", "h/path", "http://u:p@h/", "http://h/#x", "http://"})
    EXPECT_THAT(error_of(with_url(url)), ::testing::StartsWith("url: ")) << url;
  ProviderOptions options = with_url("https://h/");
  options.ca_file = "none.pem";
  EXPECT_THAT(error_of(options), HasSubstr("ca_file: "));
  options = with_url("https://h/");
  options.token_file = "token";
  files_.texts["token"] = "a\r\nX-Injected: 1\n";
  EXPECT_THAT(error_of(options), HasSubstr("token_file: "));
  files_.texts["token"] = "\n";
  EXPECT_THAT(error_of(options), HasSubstr("token_file: "));
}

}  // namespace
}  // namespace martlet::auth
