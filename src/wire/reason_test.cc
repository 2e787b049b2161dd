#include "wire/reason.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace martlet::wire {
namespace {

using Codes = std::set<unsigned>;

// The specification's tables by packet, the other way round than the room keeps them.
Codes listed(PacketType type, Sender sender) {
  const bool client = sender == Sender::client;
  const Codes received{0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
  switch (type) {
    case PacketType::connack:
      if (client) return {};
      return {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
              0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F};
    case PacketType::puback:
    case PacketType::pubrec: {
      Codes codes = received;
      if (!client) codes.insert(0x10);
      return codes;
    }
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return {0x00, 0x92};
    case PacketType::suback:
      if (client) return {};
      return {0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2};
    case PacketType::unsuback:
      if (client) return {};
      return {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91};
    case PacketType::disconnect:
      if (client) return {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
      return {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
              0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2};
    case PacketType::auth:
      return client ? Codes{0x18, 0x19} : Codes{0x00, 0x18};
    default:
      return {};
  }
}

TEST(Reason, LegalityOfEveryCodeInEveryPacketFromEitherSide) {
  for (const Sender sender : {Sender::client, Sender::server}) {
    for (unsigned type = 1; type <= 15; ++type) {
      const Codes legal = listed(static_cast<PacketType>(type), sender);
      for (unsigned code = 0; code < 256; ++code) {
        EXPECT_EQ(legal_in(static_cast<ReasonCode>(code), static_cast<PacketType>(type), sender), legal.contains(code))
            << packet_name(static_cast<PacketType>(type)) << " code " << code << " from "
            << (sender == Sender::client ? "client" : "server");
      }
    }
  }
}

TEST(Reason, WordsDependOnThePacketForCodeZero) {
  EXPECT_STREQ(reason_text(ReasonCode::success), "success");
  EXPECT_STREQ(reason_text(ReasonCode::success, PacketType::suback), "granted QoS 0");
  EXPECT_STREQ(reason_text(ReasonCode::success, PacketType::disconnect), "normal disconnection");
  EXPECT_STREQ(reason_text(ReasonCode::session_taken_over), "session taken over");
  EXPECT_STREQ(reason_text(static_cast<ReasonCode>(0x42)), "unknown reason code");
}

TEST(Reason, EveryLegalCodeHasItsOwnWords) {
  std::set<std::string> words;
  std::set<unsigned> codes;
  for (unsigned type = 1; type <= 15; ++type) {
    for (const Sender sender : {Sender::client, Sender::server}) {
      for (const unsigned code : listed(static_cast<PacketType>(type), sender)) {
        codes.insert(code);
        words.insert(reason_text(static_cast<ReasonCode>(code)));
      }
    }
  }
  EXPECT_EQ(codes.size(), 43u);
  EXPECT_EQ(words.size(), codes.size());
  EXPECT_FALSE(words.contains("unknown reason code"));
}

TEST(Reason, OldConnackCodesThereAndBack) {
  const std::pair<unsigned, ReasonCode> pairs[] = {{0, ReasonCode::success},
                                                   {1, ReasonCode::unsupported_protocol_version},
                                                   {2, ReasonCode::client_identifier_not_valid},
                                                   {3, ReasonCode::server_unavailable},
                                                   {4, ReasonCode::bad_user_name_or_password},
                                                   {5, ReasonCode::not_authorized}};
  for (const auto& [code, reason] : pairs) {
    EXPECT_EQ(connack_code_v3(reason), code);
    EXPECT_EQ(connack_reason_from_v3(static_cast<std::uint8_t>(code)), reason);
  }
  EXPECT_EQ(connack_code_v3(ReasonCode::banned), 5);
  EXPECT_EQ(connack_code_v3(ReasonCode::server_busy), 3);
  for (unsigned code = 0x80; code <= 0xA2; ++code) {
    const std::uint8_t old = connack_code_v3(static_cast<ReasonCode>(code));
    EXPECT_TRUE(old >= 1 && old <= 5) << code;
  }
  EXPECT_EQ(connack_reason_from_v3(6), ReasonCode::unspecified_error);
}

TEST(Names, OfPacketsAndVersions) {
  EXPECT_STREQ(packet_name(PacketType{0}), "RESERVED");
  EXPECT_STREQ(packet_name(PacketType::connect), "CONNECT");
  EXPECT_STREQ(packet_name(PacketType::unsuback), "UNSUBACK");
  EXPECT_STREQ(packet_name(PacketType::auth), "AUTH");
  EXPECT_STREQ(version_name(ProtocolVersion::v3_1), "3.1");
  EXPECT_STREQ(version_name(ProtocolVersion::v3_1_1), "3.1.1");
  EXPECT_STREQ(version_name(ProtocolVersion::v5_0), "5.0");
}

}  // namespace
}  // namespace martlet::wire
