#include "net/proxy_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace martlet::net {
namespace {

using ::testing::HasSubstr;

std::string v2(unsigned command, unsigned kind, std::string_view body) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(0x20 | command);
  header += static_cast<char>(kind);
  header += static_cast<char>(body.size() >> 8);
  header += static_cast<char>(body.size() & 0xff);
  return header + std::string(body);
}

std::string tlv(unsigned type, std::string_view value) {
  std::string text(1, static_cast<char>(type));
  text += static_cast<char>(value.size() >> 8);
  text += static_cast<char>(value.size() & 0xff);
  return text + std::string(value);
}

// Of TLS: what the client has, whether its certificate was verified, and more about it.
std::string tls_tlv(char client, char verify, std::string_view more) {
  return tlv(0x20, std::string(1, client) + std::string(3, '\0') + verify + std::string(more));
}

const std::string kV4Addresses("\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x07\x5b", 12);  // 192.0.2.1:50000, :1883

struct Outcome {
  LayerStatus status = LayerStatus::open;
  std::string up;
  PeerFacts facts;
  std::string failure;
  bool ready = false;
};

Outcome read(std::string_view wire, const ProxyOptions& options = {}, std::string_view peer = "192.0.2.9:1") {
  ProxyLayer layer(options, peer);
  Outcome outcome;
  std::vector<std::uint8_t> up;
  ByteChain down;
  outcome.status = layer.receive(as_bytes(wire), up, down);
  EXPECT_TRUE(down.empty());
  outcome.up = as_text(up);
  layer.tell(outcome.facts);
  outcome.failure = layer.failure();
  outcome.ready = layer.ready();
  EXPECT_EQ(outcome.failure.empty(), outcome.status == LayerStatus::open);
  return outcome;
}

std::string address_in(std::string_view wire) {
  const Outcome outcome = read(wire);
  return outcome.ready ? outcome.facts.address : outcome.failure;
}

TEST(ProxyProtocol, ReadsTheLineOfVersion1) {
  const Outcome outcome = read("PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\nrest");
  EXPECT_TRUE(outcome.ready);
  EXPECT_EQ(outcome.facts.address, "192.0.2.1:50000");
  EXPECT_EQ(outcome.up, "rest");
  EXPECT_EQ(address_in("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), "[2001:db8::1]:1");
  EXPECT_EQ(address_in("PROXY UNKNOWN\r\n"), "");
  EXPECT_EQ(address_in("PROXY UNKNOWN ffff:f...f:ffff whatever 1 2\r\n"), "");
  // The longest that the specification knows.
  EXPECT_EQ(address_in("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                       "65535 65535\r\n"),
            "");
}

TEST(ProxyProtocol, RefusesAMalformedLine) {
  for (const char* wire : {
           "PROXY TCP4 192.0.2.1 192.0.2.2 50000\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883 \r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883 6\r\n",
           "PROXY TCP4  192.0.2.1 192.0.2.2 50000 1883\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 50000 65536\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 050 1883\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.2 -1 1883\r\n",
           "PROXY TCP4 192.0.2.1 192.0.2.256 50000 1883\r\n",
           "PROXY TCP4 2001:db8::1 192.0.2.2 50000 1883\r\n",
           "PROXY TCP6 192.0.2.1 192.0.2.2 50000 1883\r\n",
           "PROXY UDP4 192.0.2.1 192.0.2.2 50000 1883\r\n",
           "PROXY UNKNOWNS\r\n",
           "PROXY \r\n",
           "PROXY TCP4\r\n",
           "proxy TCP4",
           "\x10\x0e",  // MQTT at once
           "GET / HTTP/1.1\r\n",
           "PROXI",
           "\r\n\r\r",
       }) {
    const Outcome outcome = read(wire);
    EXPECT_EQ(outcome.status, LayerStatus::failed) << wire;
    EXPECT_FALSE(outcome.ready) << wire;
    EXPECT_THAT(outcome.failure, HasSubstr("PROXY header: ")) << wire;
  }
  EXPECT_THAT(read("PROXY UNKNOWN " + std::string(93, 'x')).failure, HasSubstr("107 bytes"));
  EXPECT_EQ(read("PROXY UNKNOWN " + std::string(92, 'x')).status, LayerStatus::open);
}

TEST(ProxyProtocol, ReadsVersion2) {
  const Outcome outcome = read(v2(1, 0x11, kV4Addresses + tlv(4, "no-op") + tlv(0xe0, "")) + "rest");
  EXPECT_EQ(outcome.facts.address, "192.0.2.1:50000");
  EXPECT_EQ(outcome.up, "rest");
  const std::string v6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\1' + std::string(16, '\0') +
                         std::string("\xc3\x50\x07\x5b", 4);
  EXPECT_EQ(address_in(v2(1, 0x21, v6)), "[2001:db8::1]:50000");
  EXPECT_EQ(address_in(v2(1, 0x31, std::string(216, '\0'))), "unix");
}

TEST(ProxyProtocol, KeepsTheSocketsAddressWhereTheProxySpeaksForItself) {
  EXPECT_EQ(address_in(v2(0, 0x00, "")), "");
  EXPECT_EQ(address_in(v2(0, 0x11, kV4Addresses)), "");
  EXPECT_EQ(address_in(v2(1, 0x00, "anything")), "");
}

TEST(ProxyProtocol, RefusesAMalformedHeaderOfVersion2) {
  EXPECT_THAT(address_in(v2(2, 0x11, kV4Addresses)), HasSubstr("command"));
  std::string version_1 = v2(1, 0x11, kV4Addresses);
  version_1[12] = 0x11;
  EXPECT_THAT(address_in(version_1), HasSubstr("version"));
  EXPECT_THAT(address_in(v2(1, 0x12, kV4Addresses)), HasSubstr("no stream"));
  EXPECT_THAT(address_in(v2(1, 0x11, kV4Addresses.substr(1))), HasSubstr("too short"));
  EXPECT_THAT(address_in(v2(1, 0x21, kV4Addresses)), HasSubstr("too short"));
  EXPECT_THAT(address_in(v2(1, 0x11, kV4Addresses + "\4")), HasSubstr("TLV"));
  EXPECT_THAT(address_in(v2(1, 0x11, kV4Addresses + tlv(4, "12345").substr(0, 6))), HasSubstr("TLV"));
}

TEST(ProxyProtocol, BoundsItsTlvs) {
  const std::string most(ProxyLayer::kMostV2Bytes - 16 - 12 - 3, 'x');
  EXPECT_EQ(address_in(v2(1, 0x11, kV4Addresses + tlv(4, most))), "192.0.2.1:50000");
  // Refused before it comes.
  EXPECT_THAT(address_in(v2(1, 0x11, kV4Addresses + tlv(4, most + "x")).substr(0, 16)), HasSubstr("4096 bytes"));
}

TEST(ProxyProtocol, TakesTheNameOfAVerifiedCertificateIfAsked) {
  const ProxyOptions asked{.trusted = {}, .certificate_name = true};
  const std::string name = tlv(0x21, "TLSv1.3") + tlv(0x22, "sensor-7");
  const std::string good = v2(1, 0x11, kV4Addresses + tls_tlv(0x03, 0, name));
  EXPECT_EQ(read(good, asked).facts.certificate_name, "sensor-7");
  EXPECT_EQ(read(good).facts.certificate_name, "");
  EXPECT_EQ(read(v2(1, 0x11, kV4Addresses + tls_tlv(0x03, 1, name)), asked).facts.certificate_name, "");
  EXPECT_EQ(read(v2(1, 0x11, kV4Addresses + tls_tlv(0x01, 0, name)), asked).facts.certificate_name, "");
  EXPECT_EQ(read(v2(1, 0x11, kV4Addresses + tls_tlv(0x05, 0, name)), asked).facts.certificate_name, "sensor-7");
  const std::string odd = tlv(0x22, std::string_view("a\0b", 3));
  EXPECT_THAT(read(v2(1, 0x11, kV4Addresses + tls_tlv(0x03, 0, odd)), asked).failure, HasSubstr("not text"));
  EXPECT_THAT(read(v2(1, 0x11, kV4Addresses + tls_tlv(0x03, 0, "\x22")), asked).failure, HasSubstr("malformed"));
  EXPECT_THAT(read(v2(1, 0x11, kV4Addresses + tlv(0x20, "\3")), asked).failure, HasSubstr("too short"));
}

TEST(ProxyProtocol, BelievesOnlyWhomItTrusts) {
  const ProxyOptions options{
      .trusted = {parse_network_range("10.0.0.0/8").value(), parse_network_range("::1").value()}};
  const std::string line = "PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\n";
  EXPECT_TRUE(read(line, options, "10.1.2.3:999").ready);
  EXPECT_TRUE(read(line, options, "[::1]:999").ready);
  EXPECT_TRUE(read(line, options, "unix:uid=1000,pid=77").ready);
  for (const char* peer : {"11.1.2.3:999", "[::2]:999", ""}) {
    EXPECT_THAT(read(line, options, peer).failure, HasSubstr("trusted")) << peer;
    EXPECT_EQ(read("P", options, peer).status, LayerStatus::failed) << peer;
  }
}

TEST(ProxyProtocol, PassesAllOnBehindTheHeader) {
  ProxyLayer layer({}, "192.0.2.9:1");
  std::vector<std::uint8_t> up;
  ByteChain from, down;
  from.append(as_bytes("answer"));
  layer.send(from, 100, down);
  EXPECT_TRUE(down.empty());
  EXPECT_EQ(layer.receive(as_bytes("PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n"), up, down), LayerStatus::open);
  EXPECT_EQ(as_text(up), "PROXY UNKNOWN\r\n");
  layer.send(from, 4, down);
  EXPECT_EQ(down.size(), 4u);
  EXPECT_EQ(from.size(), 2u);
  layer.end(down);
  EXPECT_EQ(down.size(), 4u);
}

RC_GTEST_PROP(ProxyProtocol, IsTheSameForAnyChunking, ()) {
  const std::string wire = *rc::gen::element<std::string>(
      "PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\nPROXY rest", "PROXY TCP4 192.0.2.1 192.0.2.2 50000 188x\r\nrest",
      v2(1, 0x11, kV4Addresses + tlv(4, std::string(300, 'x'))) + "rest\r\n", v2(1, 0x99, kV4Addresses) + "rest",
      v2(1, 0x11, kV4Addresses + "xxx"));
  const Outcome whole = read(wire);
  ProxyLayer layer({}, "192.0.2.9:1");
  std::vector<std::uint8_t> up;
  ByteChain down;
  LayerStatus status = LayerStatus::open;
  for (std::string_view rest = wire; !rest.empty() && status == LayerStatus::open;) {
    const auto size = *rc::gen::inRange<std::size_t>(1, std::min<std::size_t>(rest.size(), 30) + 1);
    status = layer.receive(as_bytes(rest.substr(0, size)), up, down);
    rest.remove_prefix(size);
  }
  PeerFacts facts;
  layer.tell(facts);
  RC_ASSERT(status == whole.status);
  RC_ASSERT(as_text(up) == whole.up);
  RC_ASSERT(facts.address == whole.facts.address);
  RC_ASSERT(layer.failure() == whole.failure);
}

}  // namespace
}  // namespace martlet::net
