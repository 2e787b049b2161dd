#include "net/http_upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/testing/websocket_client.h"

namespace martlet::net {
namespace {

using ::testing::HasSubstr;
using testing::kBrowserUpgrade;
using ::testing::StartsWith;

struct Outcome {
  HttpUpgrade::State state = HttpUpgrade::State::reading;
  std::string response;
  std::string refusal;
  UpgradeFacts facts;
  std::size_t used = 0;
};

Outcome ask(std::string_view request, const WebSocketOptions& options = {}) {
  HttpUpgrade upgrade(std::make_shared<const WebSocketOptions>(options));
  Outcome outcome;
  outcome.used = upgrade.take(as_bytes(request));
  outcome.state = upgrade.state();
  outcome.response = upgrade.response();
  outcome.refusal = upgrade.refusal();
  outcome.facts = upgrade.facts();
  return outcome;
}

// The browser's request with one line replaced; left out if there is nothing to put there.
std::string with(std::string_view field, std::string_view line) {
  std::string request(kBrowserUpgrade);
  const std::size_t at = field.empty() ? 0 : request.find("\r\n" + std::string(field) + ":") + 2;
  const std::size_t end = request.find("\r\n", at) + 2;
  return request.replace(at, end - at, line.empty() ? "" : std::string(line) + "\r\n");
}

std::string status_of(const std::string& request, const WebSocketOptions& options = {}) {
  const Outcome outcome = ask(request, options);
  if (outcome.state == HttpUpgrade::State::reading) return "reading";
  return outcome.response.substr(9, 3);
}

TEST(HttpUpgrade, AcceptsABrowser) {
  const Outcome outcome = ask(std::string(kBrowserUpgrade) + "frames");
  EXPECT_EQ(outcome.used, kBrowserUpgrade.size());
  EXPECT_EQ(outcome.response,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
  EXPECT_EQ(outcome.facts.path, "/mqtt");
  EXPECT_EQ(outcome.facts.origin, "https://app.example");
  EXPECT_EQ(outcome.facts.forwarded_for, "");
}

TEST(HttpUpgrade, TakesAHeaderInAnySpelling) {
  EXPECT_EQ(status_of(with("Upgrade", "upgrade:\t h2c , WebSocket ")), "101");
  EXPECT_EQ(status_of(with("Connection", "CONNECTION: upgrade")), "101");
  EXPECT_EQ(status_of(with("Connection", "Connection: keep-alive\r\nConnection: Upgrade")), "101");
  EXPECT_EQ(status_of(with("", "GET /mqtt?token=1 HTTP/1.1")), "101");
  EXPECT_EQ(status_of(with("Origin", "")), "101");
  EXPECT_EQ(status_of(with("Pragma", "Content-Length: 0")), "101");
}

TEST(HttpUpgrade, ChoosesTheSubProtocol) {
  const auto chosen = [](std::string_view line) {
    const std::string response = ask(with("Sec-WebSocket-Protocol", line)).response;
    const std::size_t at = response.find("Sec-WebSocket-Protocol: ");
    return at == std::string::npos ? response.substr(9, 3)
                                   : response.substr(at + 24, response.find("\r\n", at) - at - 24);
  };
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol: mqttv3.1"), "mqttv3.1");
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol: mqttv3.1, mqtt"), "mqtt");
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol: amqp\r\nSec-WebSocket-Protocol: mqtt,mqttv3.1"), "mqtt");
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol: amqp, mqtts"), "400");
  EXPECT_EQ(chosen("Sec-WebSocket-Protocol:"), "400");
  EXPECT_EQ(chosen(""), "400");
}

TEST(HttpUpgrade, RefusesWhatIsNoUpgrade) {
  EXPECT_EQ(status_of("GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n"), "426");
  EXPECT_EQ(status_of(with("Upgrade", "Upgrade: h2c")), "426");
  EXPECT_EQ(status_of(with("Connection", "Connection: close")), "400");
  EXPECT_EQ(status_of(with("Host", "")), "400");
  EXPECT_EQ(status_of(with("Host", "Host: a\r\nHost: b")), "400");
  EXPECT_EQ(status_of(with("Pragma", "Content-Length: 5")), "400");
  EXPECT_EQ(status_of(with("Pragma", "Transfer-Encoding: chunked")), "400");
  for (const char* version : {"Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8", ""}) {
    const Outcome outcome = ask(with("Sec-WebSocket-Version", version));
    EXPECT_THAT(outcome.response, StartsWith("HTTP/1.1 426 ")) << version;
    EXPECT_THAT(outcome.response, HasSubstr("\r\nSec-WebSocket-Version: 13\r\n")) << version;
    EXPECT_THAT(outcome.response, HasSubstr("\r\nUpgrade: websocket\r\n")) << version;
  }
}

TEST(HttpUpgrade, RefusesAMalformedKey) {
  for (const char* key : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQAA",
                          "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25j*Q==", "dGhlIHNhbXBsZSBub25jZWRnZQ=="}) {
    EXPECT_EQ(status_of(with("Sec-WebSocket-Key", std::string("Sec-WebSocket-Key: ") + key)), "400") << key;
  }
  EXPECT_EQ(status_of(with("Sec-WebSocket-Key", "")), "400");
  EXPECT_EQ(status_of(with("Pragma", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")), "400");
}

TEST(HttpUpgrade, RefusesWhatIsNoHttp) {
  EXPECT_EQ(status_of("\x10\x0c"), "400");
  EXPECT_EQ(status_of("get /mqtt"), "400");
  EXPECT_EQ(status_of("POST /mqtt"), "405");
  EXPECT_EQ(status_of("GE"), "reading");
  EXPECT_EQ(status_of(with("", "GET /mqtt HTTP/1.0")), "505");
  EXPECT_EQ(status_of(with("", "GET /mqtt HTTP/2.0")), "505");
  EXPECT_EQ(status_of(with("", "GET /mqtt")), "400");
  EXPECT_EQ(status_of(with("", "GET http://broker.example/mqtt HTTP/1.1")), "400");
  EXPECT_EQ(status_of(with("", "GET  HTTP/1.1")), "400");
  EXPECT_EQ(status_of(with("Pragma", "no colon")), "400");
  EXPECT_EQ(status_of(with("Pragma", "Pragma : x")), "400");
  EXPECT_EQ(status_of(with("Pragma", " folded: x")), "400");
  EXPECT_EQ(status_of(with("Pragma", ": x")), "400");
  EXPECT_EQ(status_of(with("Pragma", std::string("Pragma: a\nHost: b"))), "400");
  EXPECT_EQ(status_of(with("Pragma", std::string("Pragma: a\0b", 11))), "400");
}

TEST(HttpUpgrade, KnowsItsPath) {
  EXPECT_EQ(status_of(with("", "GET /other HTTP/1.1")), "404");
  EXPECT_EQ(status_of(with("", "GET /mqtt/ HTTP/1.1")), "404");
  EXPECT_EQ(status_of(with("", "GET /other HTTP/1.1"), {.path = "*", .origins = {}}), "101");
  const Outcome odd = ask(with("", "GET /<script>\x80\" HTTP/1.1"));
  EXPECT_EQ(odd.refusal, "404 Not Found: there is no MQTT at \"/<script>\\x80\\\"\"");
  EXPECT_THAT(odd.response, HasSubstr("Content-Type: text/plain"));
}

TEST(HttpUpgrade, AdmitsTheAllowedOrigins) {
  const WebSocketOptions options{.origins = {"https://other.example", "https://APP.example"}};
  EXPECT_EQ(status_of(std::string(kBrowserUpgrade), options), "101");
  EXPECT_EQ(status_of(with("Origin", "Origin: https://app.example.evil"), options), "403");
  EXPECT_EQ(status_of(with("Origin", "Origin: http://app.example"), options), "403");
  EXPECT_EQ(status_of(with("Origin", "Origin: null"), options), "403");
  EXPECT_EQ(status_of(with("Origin", ""), options), "403");
  EXPECT_EQ(status_of(with("Pragma", "Origin: https://app.example"), options), "400");
}

TEST(HttpUpgrade, RemembersThroughWhomItCame) {
  const Outcome outcome = ask(with("Pragma", "X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\nx-forwarded-for: 10.0.0.2"));
  EXPECT_EQ(outcome.facts.forwarded_for, "192.0.2.1, 10.0.0.1, 10.0.0.2");
}

TEST(HttpUpgrade, BoundsTheHeader) {
  WebSocketOptions options;
  options.max_header_bytes = static_cast<std::uint32_t>(kBrowserUpgrade.size());
  EXPECT_EQ(status_of(std::string(kBrowserUpgrade), options), "101");
  EXPECT_EQ(status_of(std::string(kBrowserUpgrade) + "frames", options), "101");
  --options.max_header_bytes;
  EXPECT_EQ(status_of(std::string(kBrowserUpgrade), options), "431");
  EXPECT_EQ(status_of("GET /" + std::string(10'000, 'x')), "431");
}

TEST(HttpUpgrade, IsTheSameByteForByte) {
  for (const std::string& request :
       {std::string(kBrowserUpgrade), with("Host", ""), with("Origin", "Origin: x\ny"), std::string("GEX")}) {
    const Outcome whole = ask(request);
    HttpUpgrade upgrade(std::make_shared<const WebSocketOptions>());
    std::size_t used = 0;
    for (const char& byte : request) used += upgrade.take(as_bytes({&byte, 1}));
    EXPECT_EQ(upgrade.state(), whole.state);
    EXPECT_EQ(upgrade.response(), whole.response);
    EXPECT_EQ(used, whole.used);
  }
}

TEST(HttpUpgrade, AnswersWithAWholeResponse) {
  const std::string response = ask(with("Host", "")).response;
  const std::size_t end = response.find("\r\n\r\n") + 4;
  const std::size_t at = response.find("Content-Length: ") + 16;
  EXPECT_EQ(std::stoul(response.substr(at)), response.size() - end);
  EXPECT_THAT(response, HasSubstr("\r\nConnection: close\r\n"));
}

}  // namespace
}  // namespace martlet::net
