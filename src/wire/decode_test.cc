// Every way in which a packet can break the rules, with the answer that the specification names.
#include "wire/decode.h"

#include <gtest/gtest.h>

#include "wire/testing/test_support.h"

namespace martlet::wire {
namespace {

using test::Bytes;
using test::bytes_of;

constexpr auto k31 = ProtocolVersion::v3_1;
constexpr auto k311 = ProtocolVersion::v3_1_1;
constexpr auto k5 = ProtocolVersion::v5_0;
constexpr Sender kClient = Sender::client;
constexpr Sender kServer = Sender::server;
constexpr auto kMalformed = ReasonCode::malformed_packet;
constexpr auto kProtocol = ReasonCode::protocol_error;
constexpr auto kVersion = ReasonCode::unsupported_protocol_version;
constexpr auto kTopicName = ReasonCode::topic_name_invalid;

struct Case {
  ProtocolVersion version;
  Sender sender;
  const char* packet;  // first byte and body; the length is put in
  ReasonCode reason;   // success: legal
  const char* clause = "";
};

Bytes packet_of(const Case& c) {
  const Bytes bytes = bytes_of(c.packet);
  return test::with_length(bytes[0], ByteView(bytes).subspan(1));
}

void expect_all(std::span<const Case> cases) {
  for (const Case& c : cases) {
    const Bytes packet = packet_of(c);
    const auto result = test::decoded(packet, c.version, c.sender);
    const std::string name = std::string(c.packet) + " in " + version_name(c.version);
    if (c.reason == ReasonCode::success) {
      EXPECT_TRUE(result.has_value()) << name << ": " << (result ? "" : result.error().what);
      continue;
    }
    ASSERT_FALSE(result.has_value()) << name;
    EXPECT_EQ(result.error().reason, c.reason) << name << ": " << result.error().what;
    EXPECT_STREQ(result.error().clause, c.clause) << name << ": " << result.error().what;
    EXPECT_STRNE(result.error().what, "") << name;
  }
}

TEST(Decode, FixedHeaderFlags) {
  // A legal body of each packet but PUBLISH, in 5.0.
  struct Kind {
    unsigned type;
    Sender sender;
    const char* body;
    unsigned flags;
    const char* clause;
  };
  const Kind kinds[] = {
      {1, kClient, "0004 'MQTT' 05 02 0000 00 0000", 0, "MQTT-2.1.3-1"},
      {2, kServer, "00 00 00", 0, "MQTT-2.1.3-1"},
      {4, kClient, "0001", 0, "MQTT-2.1.3-1"},
      {5, kClient, "0001", 0, "MQTT-2.1.3-1"},
      {6, kClient, "0001", 2, "MQTT-3.6.1-1"},
      {7, kClient, "0001", 0, "MQTT-2.1.3-1"},
      {8, kClient, "0001 00 0001 'a' 00", 2, "MQTT-3.8.1-1"},
      {9, kServer, "0001 00 00", 0, "MQTT-2.1.3-1"},
      {10, kClient, "0001 00 0001 'a'", 2, "MQTT-3.10.1-1"},
      {11, kServer, "0001 00 00", 0, "MQTT-2.1.3-1"},
      {12, kClient, "", 0, "MQTT-2.1.3-1"},
      {13, kServer, "", 0, "MQTT-2.1.3-1"},
      {14, kClient, "", 0, "MQTT-3.14.1-1"},
      {15, kClient, "18 04 15 0001 'm'", 0, "MQTT-3.15.1-1"},
  };
  for (const Kind& kind : kinds) {
    const Bytes body = bytes_of(kind.body);
    for (unsigned flags = 0; flags < 16; ++flags) {
      const auto first_byte = static_cast<std::uint8_t>(kind.type << 4 | flags);
      const auto result = decode(first_byte, body, k5, kind.sender);
      ASSERT_EQ(result.has_value(), flags == kind.flags) << unsigned{first_byte};
      if (result) {
        EXPECT_EQ(type_of(*result), static_cast<PacketType>(kind.type));
        continue;
      }
      EXPECT_EQ(result.error().reason, kMalformed);
      EXPECT_STREQ(result.error().clause, kind.clause);
    }
  }
}

TEST(Decode, FlagsAndTypesByVersion) {
  const Case cases[] = {
      {k31, kClient, "6A 0001", ReasonCode::success},
      {k31, kClient, "8A 0001 0001 'a' 00", ReasonCode::success},
      {k31, kClient, "AA 0001 0001 'a'", ReasonCode::success},
      {k31, kClient, "4A 0001", kMalformed, "MQTT-2.1.3-1"},
      {k31, kClient, "60 0001", kMalformed, "MQTT-3.6.1-1"},
      {k311, kClient, "6A 0001", kMalformed, "MQTT-3.6.1-1"},
      {k5, kClient, "8A 0001 00 0001 'a' 00", kMalformed, "MQTT-3.8.1-1"},
      {k5, kClient, "00", kMalformed, "2.1.2"},
      {k311, kServer, "0F", kMalformed, "2.1.2"},
      {k311, kClient, "F0", kMalformed, "2.2.1"},
      {k31, kServer, "F0", kMalformed, "2.2.1"},
      // The other side's packets.
      {k5, kServer, "10 0004 'MQTT' 05 02 0000 00 0000", kProtocol, "2.1.2"},
      {k5, kClient, "20 00 00 00", kProtocol, "2.1.2"},
      {k5, kServer, "82 0001 00 0001 'a' 00", kProtocol, "2.1.2"},
      {k5, kClient, "90 0001 00 00", kProtocol, "2.1.2"},
      {k5, kServer, "A2 0001 00 0001 'a'", kProtocol, "2.1.2"},
      {k5, kClient, "B0 0001 00 00", kProtocol, "2.1.2"},
      {k5, kServer, "C0", kProtocol, "2.1.2"},
      {k5, kClient, "D0", kProtocol, "2.1.2"},
      {k311, kServer, "E0", kProtocol, "2.2.1 (3.1.1)"},
      {k5, kClient, "C0 00", kMalformed, "2.1.4"},
      {k311, kServer, "D0 00", kMalformed, "2.1.4"},
  };
  expect_all(cases);
}

TEST(Decode, ConnectNameVersionAndFlags) {
  const Case cases[] = {
      {k5, kClient, "10 0004 'MQTT' 05 02 003C 00 0002 'id'", ReasonCode::success},
      {k31, kClient, "10 0004 'MQTT' 04 02 003C 0002 'id'", ReasonCode::success},
      {k5, kClient, "10 0006 'MQIsdp' 03 02 003C 0002 'id'", ReasonCode::success},
      {k5, kClient, "10 0004 'mqtt' 05 02 003C 00 0000", kVersion, "MQTT-3.1.2-1"},
      {k5, kClient, "10 0005 'MQTTX' 05 02 003C 00 0000", kVersion, "MQTT-3.1.2-1"},
      {k5, kClient, "10 0000 05 02 003C 00 0000", kVersion, "MQTT-3.1.2-1"},
      {k5, kClient, "10 0004 'MQTT' 03 02 003C 0000", kVersion, "MQTT-3.1.2-2"},
      {k5, kClient, "10 0006 'MQIsdp' 04 02 003C 0000", kVersion, "MQTT-3.1.2-2"},
      {k5, kClient, "10 0004 'MQTT' 00 02 003C 0000", kVersion, "MQTT-3.1.2-2"},
      {k5, kClient, "10 0004 'MQTT' 06 02 003C 0000", kVersion, "MQTT-3.1.2-2"},
      {k5, kClient, "10 0004 'MQTT' FF 02 003C 0000", kVersion, "MQTT-3.1.2-2"},
      {k5, kClient, "10", kMalformed, "MQTT-3.1.2-1"},
      {k5, kClient, "10 0004 'MQT'", kMalformed, "MQTT-3.1.2-1"},
      {k5, kClient, "10 0004 'MQTT'", kMalformed, "MQTT-3.1.2-2"},
      {k5, kClient, "10 0004 'MQTT' 05", kMalformed, "3.1.2.3"},
      {k5, kClient, "10 0004 'MQTT' 05 02 00", kMalformed, "3.1.2.10"},
      {k5, kClient, "10 0004 'MQTT' 05 03 0000 00 0000", kMalformed, "MQTT-3.1.2-3"},
      {k5, kClient, "10 0004 'MQTT' 04 03 0000 0000", kMalformed, "MQTT-3.1.2-3"},
      {k5, kClient, "10 0006 'MQIsdp' 03 03 0000 0001 'a'", ReasonCode::success},
      {k5, kClient, "10 0004 'MQTT' 05 0A 0000 00 0000", kProtocol, "MQTT-3.1.2-11"},
      {k5, kClient, "10 0004 'MQTT' 04 12 0000 0000", kProtocol, "MQTT-3.1.2-11"},
      {k5, kClient, "10 0006 'MQIsdp' 03 0A 0000 0001 'a'", ReasonCode::success},
      {k5, kClient, "10 0004 'MQTT' 05 1E 0000 00 0000 00 0001 't' 0000", kMalformed, "MQTT-3.1.2-12"},
      {k5, kClient, "10 0006 'MQIsdp' 03 1E 0000 0001 'a' 0001 't' 0000", kMalformed, "MQTT-3.1.2-12"},
      {k5, kClient, "10 0004 'MQTT' 05 22 0000 00 0000", kProtocol, "MQTT-3.1.2-13"},
      {k5, kClient, "10 0006 'MQIsdp' 03 22 0000 0001 'a'", ReasonCode::success},
      {k5, kClient, "10 0004 'MQTT' 05 42 0000 00 0000 0001 'p'", ReasonCode::success},
      {k5, kClient, "10 0004 'MQTT' 04 42 0000 0000 0001 'p'", kProtocol, "MQTT-3.1.2-22 (3.1.1)"},
      {k5, kClient, "10 0006 'MQIsdp' 03 42 0000 0001 'a' 0001 'p'", kProtocol, "3.1 (3.1)"},
  };
  expect_all(cases);
}

TEST(Decode, ConnectPayload) {
  const Case cases[] = {
      {k5, kClient, "10 0004 'MQTT' 05 C6 0000 00 0001 'c' 00 0001 't' 0001 'm' 0001 'u' 0001 'p'",
       ReasonCode::success},
      {k5, kClient, "10 0004 'MQTT' 04 C6 0000 0001 'c' 0001 't' 0001 'm' 0001 'u' 0001 'p'", ReasonCode::success},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000", kMalformed, "MQTT-2.2.2-1"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 05 0000", kMalformed, "2.2.2.1"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 8000 0000", kMalformed, "MQTT-1.5.5-1"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 00", kMalformed, "MQTT-3.1.3-3"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 00 0002 'c'", kMalformed, "MQTT-3.1.3-3"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 00 0001 FF", kMalformed, "MQTT-1.5.4-1"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 00 0001 00", kMalformed, "MQTT-1.5.4-2"},
      {k5, kClient, "10 0004 'MQTT' 05 06 0000 00 0000", kMalformed, "MQTT-2.2.2-1"},
      {k5, kClient, "10 0004 'MQTT' 04 06 0000 0000", kMalformed, "MQTT-3.1.2-9"},
      {k5, kClient, "10 0004 'MQTT' 04 06 0000 0000 0001 't'", kMalformed, "MQTT-3.1.2-9"},
      {k5, kClient, "10 0004 'MQTT' 04 06 0000 0000 0001 't' 0002 'm'", kMalformed, "MQTT-3.1.2-9"},
      {k5, kClient, "10 0004 'MQTT' 05 06 0000 00 0000 00 0000 0000", kTopicName, "MQTT-4.7.3-1"},
      {k5, kClient, "10 0004 'MQTT' 05 06 0000 00 0000 00 0003 'a/#' 0000", kTopicName, "MQTT-4.7.1-1"},
      {k5, kClient, "10 0004 'MQTT' 05 06 0000 00 0000 00 0001 C0 0000", kMalformed, "MQTT-1.5.4-1"},
      {k5, kClient, "10 0004 'MQTT' 05 82 0000 00 0000", kMalformed, "MQTT-3.1.2-17"},
      {k5, kClient, "10 0004 'MQTT' 05 82 0000 00 0000 0001 FF", kMalformed, "MQTT-1.5.4-1"},
      {k5, kClient, "10 0004 'MQTT' 05 C2 0000 00 0000 0001 'u'", kMalformed, "MQTT-3.1.2-19"},
      {k5, kClient, "10 0004 'MQTT' 05 C2 0000 00 0000 0001 'u' 0004 FF00C0C1", ReasonCode::success},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 00 0000 0001 'u'", kMalformed, "MQTT-3.1.2-16"},
      {k5, kClient, "10 0004 'MQTT' 05 82 0000 00 0000 0001 'u' 0001 'p'", kMalformed, "MQTT-3.1.2-18"},
      {k5, kClient, "10 0004 'MQTT' 05 C2 0000 00 0000 0001 'u' 0001 'p' 00", kMalformed, "2.1.4"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 04 16 0001 'd' 0000", kProtocol, "3.1.2.11.10"},
      {k5, kClient, "10 0004 'MQTT' 05 02 0000 08 16 0001 'd' 15 0001 'm' 0000", ReasonCode::success},
      // 3.1 lets announced credentials be left out at the end, but not be cut.
      {k5, kClient, "10 0006 'MQIsdp' 03 C2 0000 0001 'c'", ReasonCode::success},
      {k5, kClient, "10 0006 'MQIsdp' 03 C2 0000 0001 'c' 0001 'u'", ReasonCode::success},
      {k5, kClient, "10 0006 'MQIsdp' 03 C2 0000 0001 'c' 0002 'u'", kMalformed, "MQTT-3.1.2-17"},
      {k5, kClient, "10 0004 'MQTT' 04 C2 0000 0001 'c' 0001 'u'", kMalformed, "MQTT-3.1.2-19"},
  };
  expect_all(cases);
}

TEST(Decode, ErrorNamesTheVersionToAnswerIn) {
  struct Answer {
    const char* packet;
    ProtocolVersion version;
  };
  const Answer answers[] = {
      {"10 0004 'MQTT' 05 03 0000 00 0000", k5},     {"10 0004 'MQTT' 04 03 0000 0000", k311},
      {"10 0006 'MQIsdp' 03 42 0000 0001 'a'", k31}, {"10 0004 'MQTT' 07 02 0000 0000", k5},
      {"10 0004 'MQTT' 02 02 0000 0000", k311},      {"10 0006 'MQIsdp' 09 02 0000 0000", k31},
  };
  for (const Answer& answer : answers) {
    const Bytes bytes = bytes_of(answer.packet);
    const auto result = decode(bytes[0], ByteView(bytes).subspan(1), k31, kClient);
    ASSERT_FALSE(result.has_value()) << answer.packet;
    EXPECT_EQ(result.error().version, answer.version) << answer.packet;
  }
  const Bytes body = bytes_of("0000");
  EXPECT_EQ(decode(0x40, body, k311, kClient).error().version, k311);
}

TEST(Decode, Connack) {
  const Case cases[] = {
      {k5, kServer, "20 01 00 00", ReasonCode::success},
      {k5, kServer, "20 00 87 00", ReasonCode::success},
      {k5, kServer, "20 02 00 00", kMalformed, "MQTT-3.2.2-1"},
      {k311, kServer, "20 80 00", kMalformed, "MQTT-3.2.2-1"},
      {k31, kServer, "20 80 00", ReasonCode::success},
      {k5, kServer, "20 01 87 00", kProtocol, "MQTT-3.2.2-6"},
      {k311, kServer, "20 01 05", kProtocol, "MQTT-3.2.2-6"},
      {k311, kServer, "20 01 00", ReasonCode::success},
      {k5, kServer, "20 00 8E 00", kProtocol, "MQTT-3.2.2-8"},
      {k5, kServer, "20 00 01 00", kProtocol, "MQTT-3.2.2-8"},
      {k311, kServer, "20 00 06", kProtocol, "3.2.2.3"},
      {k31, kServer, "20 00 80", kProtocol, "3.2.2.3"},
      {k5, kServer, "20", kMalformed, "3.2.2.1"},
      {k5, kServer, "20 00", kMalformed, "MQTT-3.2.2-8"},
      {k311, kServer, "20 00", kMalformed, "3.2.2.3"},
      {k5, kServer, "20 00 00", kMalformed, "MQTT-2.2.2-1"},
      {k5, kServer, "20 00 00 00 00", kMalformed, "2.1.4"},
      {k311, kServer, "20 00 00 00", kMalformed, "2.1.4"},
      {k5, kServer, "20 00 00 04 16 0001 'd'", kProtocol, "3.1.2.11.10"},
  };
  expect_all(cases);
}

TEST(Decode, Publish) {
  const Case cases[] = {
      {k5, kClient, "30 0001 't' 00 'payload'", ReasonCode::success},
      {k5, kClient, "30 0001 't' 00", ReasonCode::success},
      {k5, kClient, "3D 0001 't' 0001 00 'p'", ReasonCode::success},
      {k311, kClient, "32 0001 't' 0001 'p'", ReasonCode::success},
      {k5, kClient, "36 0001 't' 0001 00", kMalformed, "MQTT-3.3.1-4"},
      {k311, kServer, "3F 0001 't' 0001", kMalformed, "MQTT-3.3.1-4"},
      {k5, kClient, "38 0001 't' 00", kMalformed, "MQTT-3.3.1-2"},
      {k311, kClient, "39 0001 't'", kMalformed, "MQTT-3.3.1-2"},
      {k31, kClient, "38 0001 't'", ReasonCode::success},
      {k5, kClient, "32 0001 't' 0000 00", kProtocol, "MQTT-2.2.1-3"},
      {k311, kServer, "34 0001 't' 0000", kProtocol, "MQTT-2.2.1-3"},
      {k5, kClient, "32 0001 't' 00", kMalformed, "2.2.1"},
      {k5, kClient, "30", kMalformed, "MQTT-3.3.2-1"},
      {k5, kClient, "30 0002 't'", kMalformed, "MQTT-3.3.2-1"},
      {k5, kClient, "30 FFFF 't'", kMalformed, "MQTT-3.3.2-1"},
      {k5, kClient, "30 0001 't'", kMalformed, "MQTT-2.2.2-1"},
      {k5, kClient, "30 0001 't' 01", kMalformed, "2.2.2.1"},
      {k5, kClient, "30 0001 't' FFFFFF7F", kMalformed, "2.2.2.1"},
      {k5, kClient, "30 0001 't' FFFFFFFF01", kMalformed, "MQTT-1.5.5-1"},
      {k5, kClient, "30 0003 EDA080 00", kMalformed, "MQTT-1.5.4-1"},
      {k311, kClient, "30 0002 't' 00", kMalformed, "MQTT-1.5.4-2"},
      {k5, kClient, "30 0003 'a/+' 00", kTopicName, "MQTT-3.3.2-2"},
      {k311, kServer, "30 0001 '#'", kTopicName, "MQTT-3.3.2-2"},
      {k5, kClient, "30 0000 00", kProtocol, "3.3.2.1"},
      {k5, kClient, "30 0000 02 01 00", kProtocol, "3.3.2.1"},
      {k5, kClient, "30 0000 03 23 0001", ReasonCode::success},
      {k311, kClient, "30 0000", kMalformed, "MQTT-4.7.3-1"},
      {k31, kServer, "30 0000 'p'", kMalformed, "MQTT-4.7.3-1"},
  };
  expect_all(cases);
}

TEST(Decode, PublishAcknowledgements) {
  const Case cases[] = {
      {k5, kClient, "40 0001", ReasonCode::success},
      {k5, kClient, "40 0001 80", ReasonCode::success},
      {k5, kClient, "40 0001 80 00", ReasonCode::success},
      {k5, kServer, "40 0001 10", ReasonCode::success},
      {k5, kClient, "40 0001 10", kProtocol, "MQTT-3.4.2-1"},
      {k5, kClient, "40 0001 92", kProtocol, "MQTT-3.4.2-1"},
      {k5, kClient, "50 0001 01", kProtocol, "MQTT-3.5.2-1"},
      {k5, kClient, "62 0001 80", kProtocol, "MQTT-3.6.2-1"},
      {k5, kClient, "70 0001 FF", kProtocol, "MQTT-3.7.2-1"},
      {k5, kClient, "62 0001 92", ReasonCode::success},
      {k5, kClient, "70 0001 92 00", ReasonCode::success},
      {k5, kClient, "40 0000", kProtocol, "MQTT-2.2.1-3"},
      {k311, kServer, "62 0000", kProtocol, "MQTT-2.2.1-3"},
      {k5, kClient, "40 00", kMalformed, "2.2.1"},
      {k5, kClient, "40", kMalformed, "2.2.1"},
      {k5, kClient, "40 0001 00 01", kMalformed, "2.2.2.1"},
      {k5, kClient, "40 0001 00 00 00", kMalformed, "2.1.4"},
      {k311, kClient, "40 0001 00", kMalformed, "2.1.4"},
      {k31, kClient, "62 0001 00", kMalformed, "2.1.4"},
  };
  expect_all(cases);
}

TEST(Decode, SubscribeAndUnsubscribe) {
  const Case cases[] = {
      {k5, kClient, "82 0001 00 0001 'a' 2E 0001 'b' 01", ReasonCode::success},
      {k5, kClient, "82 0001 00", kProtocol, "MQTT-3.8.3-2"},
      {k311, kClient, "82 0001", kProtocol, "MQTT-3.8.3-2"},
      {k5, kClient, "A2 0001 00", kProtocol, "MQTT-3.10.3-2"},
      {k31, kClient, "A2 0001", kProtocol, "MQTT-3.10.3-2"},
      {k5, kClient, "82 0000 00 0001 'a' 00", kProtocol, "MQTT-2.2.1-3"},
      {k5, kClient, "A2 0000 00 0001 'a'", kProtocol, "MQTT-2.2.1-3"},
      {k5, kClient, "82 0001 00 0001 'a' 40", kMalformed, "MQTT-3.8.3-5"},
      {k5, kClient, "82 0001 00 0001 'a' 80", kMalformed, "MQTT-3.8.3-5"},
      {k5, kClient, "82 0001 00 0001 'a' 03", kProtocol, "3.8.3.1"},
      {k5, kClient, "82 0001 00 0001 'a' 30", kProtocol, "3.8.3.1"},
      {k5, kClient, "82 0001 00 000A '$share/g/t' 04", kProtocol, "MQTT-3.8.3-4"},
      {k5, kClient, "82 0001 00 000A '$share/g/t' 08", ReasonCode::success},
      {k311, kClient, "82 0001 0001 'a' 04", kMalformed, "MQTT-3.8.3-4 (3.1.1)"},
      {k31, kClient, "82 0001 0001 'a' 10", kMalformed, "MQTT-3.8.3-4 (3.1.1)"},
      {k311, kClient, "82 0001 0001 'a' 03", kMalformed, "MQTT-3.8.3-4 (3.1.1)"},
      {k5, kClient, "82 0001 00 0001 'a'", kMalformed, "3.8.3.1"},
      {k5, kClient, "82 0001 00 0002 'a'", kMalformed, "MQTT-3.8.3-1"},
      {k5, kClient, "82 0001 00 0001 'a' 00 00", kMalformed, "MQTT-3.8.3-1"},
      {k5, kClient, "A2 0001 00 0002 'a'", kMalformed, "MQTT-3.10.3-1"},
      {k5, kClient, "82 0001 00 0001 FF 00", kMalformed, "MQTT-1.5.4-1"},
      {k5, kClient, "A2 0001 00 0001 00", kMalformed, "MQTT-1.5.4-2"},
      {k5, kClient, "82 00", kMalformed, "2.2.1"},
      {k5, kClient, "82 0001", kMalformed, "MQTT-2.2.2-1"},
      // How a filter is written is SUBACK's matter.
      {k5, kClient, "82 0001 00 0003 'a#b' 00", ReasonCode::success},
  };
  expect_all(cases);
}

TEST(Decode, SubackAndUnsuback) {
  const Case cases[] = {
      {k5, kServer, "90 0001 00 00 01 02 8F", ReasonCode::success},
      {k5, kServer, "90 0001 00 03", kProtocol, "MQTT-3.9.3-2"},
      {k5, kServer, "90 0001 00 00 11", kProtocol, "MQTT-3.9.3-2"},
      {k5, kServer, "90 0001 00", kProtocol, "MQTT-3.9.3-2"},
      {k5, kServer, "B0 0001 00 00 11 8F", ReasonCode::success},
      {k5, kServer, "B0 0001 00 01", kProtocol, "MQTT-3.11.3-2"},
      {k5, kServer, "B0 0001 00", kProtocol, "MQTT-3.11.3-2"},
      {k311, kServer, "90 0001 00 01 02 80", ReasonCode::success},
      {k311, kServer, "90 0001 8F", kProtocol, "MQTT-3.9.3-2"},
      {k311, kServer, "90 0001", kProtocol, "MQTT-3.9.3-2"},
      {k311, kServer, "B0 0001", ReasonCode::success},
      {k311, kServer, "B0 0001 00", kMalformed, "2.1.4"},
      {k5, kServer, "90 0000 00 00", kProtocol, "MQTT-2.2.1-3"},
      {k311, kServer, "B0 0000", kProtocol, "MQTT-2.2.1-3"},
  };
  expect_all(cases);
}

TEST(Decode, DisconnectAndAuth) {
  const Case cases[] = {
      {k5, kClient, "E0", ReasonCode::success},
      {k5, kClient, "E0 04", ReasonCode::success},
      {k5, kClient, "E0 00 00", ReasonCode::success},
      {k5, kServer, "E0 8E", ReasonCode::success},
      {k5, kClient, "E0 8E", kProtocol, "MQTT-3.14.2-1"},
      {k5, kServer, "E0 04", kProtocol, "MQTT-3.14.2-1"},
      {k5, kClient, "E0 01", kProtocol, "MQTT-3.14.2-1"},
      {k5, kClient, "E0 00 01", kMalformed, "2.2.2.1"},
      {k5, kClient, "E0 00 00 00", kMalformed, "2.1.4"},
      {k311, kClient, "E0", ReasonCode::success},
      {k311, kClient, "E0 00", kMalformed, "2.1.4"},
      {k5, kServer, "F0", ReasonCode::success},
      {k5, kServer, "F0 00 00", ReasonCode::success},
      {k5, kServer, "F0 00 04 15 0001 'm'", ReasonCode::success},
      {k5, kClient, "F0 19 04 15 0001 'm'", ReasonCode::success},
      {k5, kClient, "F0", kProtocol, "MQTT-3.15.2-1"},
      {k5, kClient, "F0 00 04 15 0001 'm'", kProtocol, "MQTT-3.15.2-1"},
      {k5, kServer, "F0 19 04 15 0001 'm'", kProtocol, "MQTT-3.15.2-1"},
      {k5, kClient, "F0 80 04 15 0001 'm'", kProtocol, "MQTT-3.15.2-1"},
      {k5, kClient, "F0 18", kProtocol, "3.15.2.2.2"},
      {k5, kClient, "F0 18 00", kProtocol, "3.15.2.2.2"},
      {k5, kClient, "F0 18 04 16 0001 'd'", kProtocol, "3.15.2.2.2"},
      {k5, kClient, "F0 18 04 15 0001 'm' 00", kMalformed, "2.1.4"},
  };
  expect_all(cases);
}

TEST(Decode, FillsEveryField) {
  const Bytes packet = test::with_length(
      0x10,
      bytes_of("0004 'MQTT' 05 EE 003C 05 11 00000009 0002 'id' 05 18 00000007 0002 'wt' 0002 'wp' 0001 'u' 0001 'p'"));
  const auto result = test::decoded(packet, k31, kClient);
  ASSERT_TRUE(result.has_value());
  const auto* connect = std::get_if<Connect>(&*result);
  ASSERT_NE(connect, nullptr);
  EXPECT_EQ(connect->version, k5);
  EXPECT_TRUE(connect->clean_start);
  EXPECT_EQ(connect->keep_alive_s, 60);
  EXPECT_EQ(connect->client_id, "id");
  EXPECT_EQ(connect->properties.number(PropertyId::session_expiry_interval), 9u);
  ASSERT_TRUE(connect->will.has_value());
  EXPECT_EQ(connect->will->topic, "wt");
  EXPECT_EQ(as_text(connect->will->payload), "wp");
  EXPECT_EQ(connect->will->qos, QoS::at_least_once);
  EXPECT_TRUE(connect->will->retain);
  EXPECT_EQ(connect->will->properties.number(PropertyId::will_delay_interval), 7u);
  EXPECT_EQ(connect->username, "u");
  EXPECT_EQ(as_text(connect->password.value()), "p");

  const Bytes publish_bytes = test::with_length(0x3D, bytes_of("0003 'a/b' ABCD 'pay'"));
  const auto publish_result = test::decoded(publish_bytes, k311, kServer);
  ASSERT_TRUE(publish_result.has_value());
  const auto* publish = std::get_if<Publish>(&*publish_result);
  ASSERT_NE(publish, nullptr);
  EXPECT_EQ(publish->topic, "a/b");
  EXPECT_EQ(publish->qos, QoS::exactly_once);
  EXPECT_TRUE(publish->dup);
  EXPECT_TRUE(publish->retain);
  EXPECT_EQ(publish->packet_id, 0xABCD);
  EXPECT_EQ(as_text(publish->payload), "pay");

  const Bytes subscribe_bytes = test::with_length(0x82, bytes_of("0102 02 0B 05 0001 'a' 1D 0002 'b/' 02"));
  const auto subscribe_result = test::decoded(subscribe_bytes, k5, kClient);
  ASSERT_TRUE(subscribe_result.has_value());
  const auto* subscribe = std::get_if<Subscribe>(&*subscribe_result);
  ASSERT_NE(subscribe, nullptr);
  EXPECT_EQ(subscribe->packet_id, 0x0102);
  EXPECT_EQ(subscribe->properties.number(PropertyId::subscription_identifier), 5u);
  ASSERT_EQ(subscribe->filters.count(), 2u);
  std::vector<FilterEntry> entries;
  subscribe->filters.for_each([&](const FilterEntry& entry) { entries.push_back(entry); });
  EXPECT_EQ(entries[0].filter, "a");
  EXPECT_EQ(entries[0].options.qos, QoS::at_least_once);
  EXPECT_TRUE(entries[0].options.no_local);
  EXPECT_TRUE(entries[0].options.retain_as_published);
  EXPECT_EQ(entries[0].options.retain_handling, 1);
  EXPECT_EQ(entries[1].filter, "b/");
  EXPECT_EQ(entries[1].options.to_byte(), 2);
}

// No prefix of a legal packet's body makes the decoder read beyond it (run under the address sanitizer), and what
// decodes nevertheless is shorter.
TEST(Decode, EveryCutOfAPacketIsHandled) {
  const char* const packets[] = {
      "10 0004 'MQTT' 05 EE 003C 05 11 00000009 0002 'id' 05 18 00000007 0002 'wt' 0002 'wp' 0001 'u' 0001 'p'",
      "20 00 00 05 13 0001 24 00",
      "32 0001 't' 0001 05 02 00000001 'payload'",
      "40 0001 80 05 1F 0002 'no'",
      "82 0001 02 0B 01 0001 'a' 00",
      "90 0001 05 1F 0002 'no' 80",
      "E0 00 05 11 00000001",
      "F0 18 04 15 0001 'm'",
  };
  for (const char* text : packets) {
    const Bytes whole = bytes_of(text);
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
      const Bytes body(whole.begin() + 1, whole.begin() + 1 + static_cast<std::ptrdiff_t>(size));
      for (const ProtocolVersion version : {k31, k311, k5}) {
        for (const Sender sender : {kClient, kServer}) {
          const auto result = decode(whole[0], body, version, sender);
          if (!result) {
            EXPECT_STRNE(result.error().clause, "");
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace martlet::wire
