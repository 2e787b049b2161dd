#include "wire/connect_peek.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/byte_chain.h"
#include "wire/encode.h"

namespace martlet::wire {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes text(std::string_view value) {
  Bytes bytes{static_cast<std::uint8_t>(value.size() >> 8), static_cast<std::uint8_t>(value.size())};
  for (const char c : value) bytes.push_back(static_cast<std::uint8_t>(c));
  return bytes;
}

Bytes connect(std::string_view name, std::uint8_t level, const Bytes& properties, std::string_view client_id) {
  Bytes body = text(name);
  for (const std::uint8_t byte : {level, std::uint8_t{2}, std::uint8_t{0}, std::uint8_t{60}}) body.push_back(byte);
  for (const std::uint8_t byte : properties) body.push_back(byte);
  for (const std::uint8_t byte : text(client_id)) body.push_back(byte);
  Bytes packet{0x10, static_cast<std::uint8_t>(body.size() | 0x80), static_cast<std::uint8_t>(body.size() >> 7)};
  for (const std::uint8_t byte : body) packet.push_back(byte);
  return packet;
}

// Each prefix waits for more, the whole is found.
void expect_found(const Bytes& packet, std::string_view expected) {
  std::string_view client_id = "?";
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_EQ(peek_client_id(ByteView(packet).first(size), client_id), ConnectPeek::need_more) << size;
  }
  EXPECT_EQ(peek_client_id(packet, client_id), ConnectPeek::found);
  EXPECT_EQ(client_id, expected);
}

TEST(ConnectPeek, FindsTheClientIdentifierOfEachVersion) {
  expect_found(connect("MQIsdp", 3, {}, "old"), "old");
  expect_found(connect("MQTT", 4, {}, "usual"), "usual");
  expect_found(connect("MQTT", 5, {0}, "new"), "new");
  expect_found(connect("MQTT", 5, {5, 0x11, 0, 0, 0, 9}, "with a property"), "with a property");
  expect_found(connect("MQTT", 4, {}, ""), "");
}

TEST(ConnectPeek, WhatFollowsDoesNotMatter) {
  Bytes packet = connect("MQTT", 4, {}, "id");
  packet.push_back(0xC0);
  packet.push_back(0x00);
  std::string_view client_id;
  EXPECT_EQ(peek_client_id(packet, client_id), ConnectPeek::found);
  EXPECT_EQ(client_id, "id");
}

TEST(ConnectPeek, WhatIsTooLongIsHopelessAtOnce) {
  std::string_view client_id;
  const Bytes header{0x10, 0x81, 0x80, 0x08};  // 128 KiB and 1 byte
  EXPECT_EQ(peek_client_id(header, client_id, 128u << 10), ConnectPeek::hopeless);
  EXPECT_EQ(peek_client_id(header, client_id, (128u << 10) + 1), ConnectPeek::need_more);
}

TEST(ConnectPeek, OtherBytesAreHopeless) {
  std::string_view client_id;
  const auto peek = [&](const Bytes& bytes) { return peek_client_id(bytes, client_id); };
  EXPECT_EQ(peek({0x30}), ConnectPeek::hopeless);
  EXPECT_EQ(peek({'G', 'E', 'T'}), ConnectPeek::hopeless);
  EXPECT_EQ(peek({0x10, 0xFF, 0xFF, 0xFF, 0xFF}), ConnectPeek::hopeless);
  EXPECT_EQ(peek({0x10, 0x7F, 0x10, 0x00}), ConnectPeek::hopeless);
  // It ends before its client identifier.
  EXPECT_EQ(peek({0x10, 0x02, 0x00, 0x04}), ConnectPeek::hopeless);
  Bytes cut = connect("MQTT", 4, {}, "id");
  cut[1] = static_cast<std::uint8_t>((cut.size() - 5) | 0x80);
  EXPECT_EQ(peek(cut), ConnectPeek::hopeless);
}

// Of a CONNECT as the encoder writes it, cut at each byte.
std::string user_name_of(const Connect& packet) {
  ByteChain chain;
  encode(packet, packet.version, chain);
  Bytes bytes;
  while (!chain.empty()) {
    ByteView view;
    chain.front(&view, 1);
    bytes.insert(bytes.end(), view.begin(), view.end());
    chain.consume(view.size());
  }
  std::string_view name = "?";
  ConnectPeek peeked = ConnectPeek::need_more;
  std::size_t size = 0;
  while (peeked == ConnectPeek::need_more && size <= bytes.size()) {
    peeked = peek_user_name(ByteView(bytes).first(size++), name);
  }
  return peeked == ConnectPeek::found ? std::string(name) : peeked == ConnectPeek::hopeless ? "hopeless" : "need more";
}

TEST(ConnectPeek, FindsTheUserName) {
  Connect packet;
  packet.client_id = "client";
  for (const ProtocolVersion version : {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5_0}) {
    packet.version = version;
    packet.username = "user";
    packet.will.reset();
    EXPECT_EQ(user_name_of(packet), "user");
    packet.will = Will{"topic", {}, QoS::at_most_once, false, {}};
    EXPECT_EQ(user_name_of(packet), "user");
    packet.username.reset();
    EXPECT_EQ(user_name_of(packet), "hopeless");
  }
}

}  // namespace
}  // namespace martlet::wire
