// What is encoded is decoded to the same, and what is decoded is encoded to the same, for every packet that exists.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <deque>
#include <string>
#include <vector>

#include "wire/decode.h"
#include "wire/encode.h"
#include "wire/testing/packet_equal.h"
#include "wire/testing/test_support.h"

namespace martlet::wire::test {
namespace {

// Random legal packets. Draws come from RapidCheck, so that a failure shrinks.
class PacketMaker {
 public:
  PacketMaker(ProtocolVersion version, Sender sender) : version_(version), sender_(sender) {}

  // Whether `sender` may write `type` in `version`.
  static bool exists(PacketType type, ProtocolVersion version, Sender sender);

  // The packet's views live as long as this object.
  Packet make(PacketType type);

 private:
  Packet make_connect();
  Packet make_connack();
  Packet make_publish();
  Packet make_publish_ack(PacketType type);
  Packet make_subscribe();
  Packet make_unsubscribe();
  Packet make_filter_ack(PacketType type);
  Packet make_disconnect();
  Packet make_auth();
  Will make_will();

  std::uint16_t packet_id();
  QoS qos();
  std::string_view text();
  std::string_view topic();
  ByteView blob();
  ReasonCode reason(PacketType type);
  Properties properties(std::uint32_t packet);
  void add_property(PropertyWriter& writer, const PropertyRow& row);
  FilterList filters(bool with_options);

  ProtocolVersion version_;
  Sender sender_;
  std::deque<std::string> texts_;
  std::deque<std::vector<std::uint8_t>> blobs_;
  std::deque<PropertyWriter> writers_;
  std::deque<FilterListWriter> lists_;
};

std::size_t below(std::size_t bound) {
  return *rc::gen::inRange<std::size_t>(0, bound);
}

bool coin() {
  return below(2) == 1;
}

std::string random_text(std::size_t max_characters) {
  static constexpr const char* kCharacters[] = {
      "a", "Z", "/", "$", " ", "\x7F", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x90\xA6", "\xEF\xBB\xBF"};
  std::string text;
  const std::size_t characters = below(max_characters + 1);
  for (std::size_t i = 0; i < characters; ++i) text += kCharacters[below(std::size(kCharacters))];
  return text;
}

bool PacketMaker::exists(PacketType type, ProtocolVersion version, Sender sender) {
  const bool v5 = version == ProtocolVersion::v5_0;
  switch (type) {
    case PacketType::connect:
    case PacketType::subscribe:
    case PacketType::unsubscribe:
    case PacketType::pingreq:
      return sender == Sender::client;
    case PacketType::connack:
    case PacketType::suback:
    case PacketType::unsuback:
    case PacketType::pingresp:
      return sender == Sender::server;
    case PacketType::disconnect:
      return v5 || sender == Sender::client;
    case PacketType::auth:
      return v5;
    default:
      return true;
  }
}

Packet PacketMaker::make(PacketType type) {
  switch (type) {
    case PacketType::connect:
      return make_connect();
    case PacketType::connack:
      return make_connack();
    case PacketType::publish:
      return make_publish();
    case PacketType::subscribe:
      return make_subscribe();
    case PacketType::unsubscribe:
      return make_unsubscribe();
    case PacketType::suback:
    case PacketType::unsuback:
      return make_filter_ack(type);
    case PacketType::pingreq:
      return Pingreq{};
    case PacketType::pingresp:
      return Pingresp{};
    case PacketType::disconnect:
      return make_disconnect();
    case PacketType::auth:
      return make_auth();
    default:
      return make_publish_ack(type);
  }
}

std::uint16_t PacketMaker::packet_id() {
  return *rc::gen::inRange<std::uint16_t>(1, 65535);
}

QoS PacketMaker::qos() {
  return static_cast<QoS>(below(3));
}

std::string_view PacketMaker::text() {
  return texts_.emplace_back(random_text(12));
}

std::string_view PacketMaker::topic() {
  return texts_.emplace_back("t" + random_text(20));
}

ByteView PacketMaker::blob() {
  // Sizes on both sides of a longer remaining length, seldom.
  const std::size_t size = below(8) == 0 ? 100 + below(17000) : below(40);
  std::vector<std::uint8_t>& bytes = blobs_.emplace_back(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  return bytes;
}

ReasonCode PacketMaker::reason(PacketType type) {
  std::vector<ReasonCode> legal;
  for (unsigned code = 0; code < 256; ++code) {
    if (legal_in(static_cast<ReasonCode>(code), type, sender_)) legal.push_back(static_cast<ReasonCode>(code));
  }
  return legal[below(legal.size())];
}

void PacketMaker::add_property(PropertyWriter& writer, const PropertyRow& row) {
  switch (row.kind) {
    case PropertyKind::text:
      return writer.add_text(row.id, row.rule == ValueRule::topic_name ? topic() : text());
    case PropertyKind::text_pair:
      return writer.add_pair(row.id, text(), text());
    case PropertyKind::binary:
      return writer.add_binary(row.id, blob());
    default:
      break;
  }
  if (row.rule == ValueRule::zero_or_one) return writer.add_number(row.id, coin() ? 1 : 0);
  std::uint32_t value = static_cast<std::uint32_t>(1 + below(60000));
  if (row.kind == PropertyKind::byte) value &= 0xFF;
  if (row.kind == PropertyKind::varint || row.kind == PropertyKind::four_byte)
    value *= static_cast<std::uint32_t>(1 + below(4000));
  writer.add_number(row.id, value);
}

Properties PacketMaker::properties(std::uint32_t packet) {
  if (version_ != ProtocolVersion::v5_0 || below(3) == 0) return {};
  PropertyWriter& writer = writers_.emplace_back();
  bool has_method = false;
  for (unsigned id = 1; id <= 0x2A; ++id) {
    const PropertyRow* row = property_row(id);
    if (row == nullptr) continue;
    const std::uint32_t allowed = sender_ == Sender::client ? row->from_client : row->from_server;
    if ((allowed & packet) == 0 || coin()) continue;
    if (row->id == PropertyId::authentication_data && !has_method) continue;
    has_method = has_method || row->id == PropertyId::authentication_method;
    const std::size_t times = (row->repeatable & packet) != 0 ? 1 + below(3) : 1;
    for (std::size_t i = 0; i < times; ++i) add_property(writer, *row);
  }
  return writer.properties();
}

FilterList PacketMaker::filters(bool with_options) {
  FilterListWriter& writer = lists_.emplace_back(with_options);
  const std::size_t count = 1 + below(4);
  for (std::size_t i = 0; i < count; ++i) {
    FilterEntry entry{topic(), {}};
    if (with_options) {
      entry.options.qos = qos();
      if (version_ == ProtocolVersion::v5_0) {
        entry.options.no_local = coin();
        entry.options.retain_as_published = coin();
        entry.options.retain_handling = static_cast<std::uint8_t>(below(3));
      }
    }
    writer.add(entry);
  }
  return writer.list();
}

Will PacketMaker::make_will() {
  Will will;
  will.topic = topic();
  will.payload = blob();
  will.qos = qos();
  will.retain = coin();
  will.properties = properties(kWillBit);
  return will;
}

Packet PacketMaker::make_connect() {
  Connect connect;
  connect.version = version_;
  connect.clean_start = coin();
  connect.keep_alive_s = packet_id();
  connect.client_id = text();
  if (coin()) connect.will = make_will();
  if (coin()) connect.username = text();
  if (coin() && (connect.username || version_ == ProtocolVersion::v5_0)) connect.password = blob();
  connect.properties = properties(packet_bit(PacketType::connect));
  return connect;
}

Packet PacketMaker::make_connack() {
  Connack connack;
  connack.reason = version_ == ProtocolVersion::v5_0 ? reason(PacketType::connack)
                                                     : connack_reason_from_v3(static_cast<std::uint8_t>(below(6)));
  connack.session_present = version_ != ProtocolVersion::v3_1 && connack.reason == ReasonCode::success && coin();
  connack.properties = properties(packet_bit(PacketType::connack));
  return connack;
}

Packet PacketMaker::make_publish() {
  Publish publish;
  publish.qos = qos();
  publish.dup = publish.qos != QoS::at_most_once && coin();
  publish.retain = coin();
  publish.packet_id = publish.qos == QoS::at_most_once ? std::uint16_t{0} : packet_id();
  publish.properties = properties(packet_bit(PacketType::publish));
  if (!publish.properties.has(PropertyId::topic_alias) || coin()) publish.topic = topic();
  publish.payload = blob();
  return publish;
}

Packet PacketMaker::make_publish_ack(PacketType type) {
  const bool v5 = version_ == ProtocolVersion::v5_0;
  return PublishAck{type, packet_id(), v5 ? reason(type) : ReasonCode::success, properties(packet_bit(type))};
}

Packet PacketMaker::make_subscribe() {
  return Subscribe{packet_id(), properties(packet_bit(PacketType::subscribe)), filters(true)};
}

Packet PacketMaker::make_unsubscribe() {
  return Unsubscribe{packet_id(), properties(packet_bit(PacketType::unsubscribe)), filters(false)};
}

Packet PacketMaker::make_filter_ack(PacketType type) {
  FilterAck ack{type, packet_id(), properties(packet_bit(type)), {}};
  const bool v5 = version_ == ProtocolVersion::v5_0;
  if (!v5 && type == PacketType::unsuback) return ack;
  std::vector<std::uint8_t>& codes = blobs_.emplace_back(1 + below(5));
  static constexpr std::uint8_t kOldCodes[] = {0, 1, 2, 0x80};
  for (std::uint8_t& code : codes) code = v5 ? static_cast<std::uint8_t>(reason(type)) : kOldCodes[below(4)];
  ack.reasons = codes;
  return ack;
}

Packet PacketMaker::make_disconnect() {
  if (version_ != ProtocolVersion::v5_0) return Disconnect{};
  return Disconnect{reason(PacketType::disconnect), properties(packet_bit(PacketType::disconnect))};
}

Packet PacketMaker::make_auth() {
  Auth auth{reason(PacketType::auth), {}};
  if (auth.reason == ReasonCode::success && coin()) return auth;
  PropertyWriter& writer = writers_.emplace_back();
  writer.add_text(PropertyId::authentication_method, text());
  if (coin()) writer.add_binary(PropertyId::authentication_data, blob());
  if (coin()) writer.add_pair(PropertyId::user_property, text(), text());
  auth.properties = writer.properties();
  return auth;
}

constexpr ProtocolVersion kVersions[] = {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5_0};

TEST(RoundTrip, EveryPacketOfEveryVersionFromEitherSide) {
  unsigned kinds = 0;
  for (const ProtocolVersion version : kVersions) {
    for (const Sender sender : {Sender::client, Sender::server}) {
      for (unsigned number = 1; number <= 15; ++number) {
        const auto type = static_cast<PacketType>(number);
        if (!PacketMaker::exists(type, version, sender)) continue;
        ++kinds;
        EXPECT_TRUE(rc::check(std::string(packet_name(type)) + " in " + version_name(version), [&] {
          PacketMaker maker(version, sender);
          const Packet packet = maker.make(type);
          RC_ASSERT(type_of(packet) == type);
          const Bytes bytes = encoded(packet, version);
          RC_ASSERT(bytes.size() == encoded_size(packet, version));
          const auto result = decoded(bytes, version, sender);
          RC_ASSERT(result.has_value());
          RC_ASSERT(same_packet(*result, packet));
          RC_ASSERT(encoded(*result, version) == bytes);
        }));
      }
    }
  }
  EXPECT_EQ(kinds, 19u + 19u + 22u);
}

// Small bodies of random bytes after each first byte: what decodes must be stable under encoding.
TEST(RoundTrip, WhateverDecodesEncodesToAnEquivalent) {
  EXPECT_TRUE(rc::check([&] {
    const auto version = kVersions[below(3)];
    const Sender sender = coin() ? Sender::client : Sender::server;
    const auto first_byte = *rc::gen::arbitrary<std::uint8_t>();
    const auto body = *rc::gen::container<Bytes>(rc::gen::inRange<std::uint8_t>(0, 40));
    const auto result = decode(first_byte, body, version, sender);
    if (!result) return;
    const auto* connect = std::get_if<Connect>(&*result);
    const ProtocolVersion written = connect != nullptr ? connect->version : version;
    const Bytes bytes = encoded(*result, written);
    const auto again = decoded(bytes, written, sender);
    RC_ASSERT(again.has_value());
    RC_ASSERT(same_packet(*result, *again));
  }));
}

}  // namespace
}  // namespace martlet::wire::test
