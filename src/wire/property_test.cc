#include "wire/property.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "wire/testing/test_support.h"

namespace martlet::wire {
namespace {

using test::Bytes;
using test::bytes_of;

using Ids = std::set<unsigned>;

// Where a property may stand; `packet` 0 is the will.
struct Place {
  unsigned packet;
  Sender sender;
  Ids ids;
};

constexpr Sender kClient = Sender::client;
constexpr Sender kServer = Sender::server;

// The specification's lists by packet, the other way round than the room keeps them.
const std::vector<Place>& places() {
  static const std::vector<Place> kPlaces{
      {0, kClient, {0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26}},
      {1, kClient, {0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27}},
      {2,
       kServer,
       {0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A}},
      {3, kClient, {0x01, 0x02, 0x03, 0x08, 0x09, 0x23, 0x26}},
      {3, kServer, {0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26}},
      {4, kClient, {0x1F, 0x26}},
      {4, kServer, {0x1F, 0x26}},
      {5, kClient, {0x1F, 0x26}},
      {5, kServer, {0x1F, 0x26}},
      {6, kClient, {0x1F, 0x26}},
      {6, kServer, {0x1F, 0x26}},
      {7, kClient, {0x1F, 0x26}},
      {7, kServer, {0x1F, 0x26}},
      {8, kClient, {0x0B, 0x26}},
      {9, kServer, {0x1F, 0x26}},
      {10, kClient, {0x26}},
      {11, kServer, {0x1F, 0x26}},
      {14, kClient, {0x11, 0x1F, 0x26}},
      {14, kServer, {0x1C, 0x1F, 0x26}},
      {15, kClient, {0x15, 0x16, 0x1F, 0x26}},
      {15, kServer, {0x15, 0x16, 0x1F, 0x26}},
  };
  return kPlaces;
}

// A legal value of each property, identifier included.
Bytes sample(unsigned id) {
  switch (id) {
    case 0x01:
    case 0x17:
    case 0x19:
    case 0x24:
    case 0x25:
    case 0x28:
    case 0x29:
    case 0x2A: {
      return {static_cast<std::uint8_t>(id), 1};
    }
    case 0x02:
    case 0x11:
    case 0x18:
    case 0x27:
      return {static_cast<std::uint8_t>(id), 0, 1, 2, 3};
    case 0x13:
    case 0x21:
    case 0x22:
    case 0x23:
      return {static_cast<std::uint8_t>(id), 0, 7};
    case 0x0B:
      return {0x0B, 0x80, 0x01};
    case 0x26:
      return bytes_of("26 0001 'n' 0002 'vv'");
    default:
      return {static_cast<std::uint8_t>(id), 0, 1, 'x'};
  }
}

// A packet of the kind with `properties` as its section.
Bytes packet_with(const Place& place, const Bytes& properties) {
  Bytes section{static_cast<std::uint8_t>(properties.size())};
  section.insert(section.end(), properties.begin(), properties.end());
  const auto join = [&](const char* before, const char* after) {
    Bytes body = bytes_of(before);
    body.insert(body.end(), section.begin(), section.end());
    const Bytes rest = bytes_of(after);
    body.insert(body.end(), rest.begin(), rest.end());
    return body;
  };
  switch (place.packet) {
    case 0:
      return test::with_length(0x10, join("0004 'MQTT' 05 04 0000 00 0000", "0001 't' 0000"));
    case 1:
      return test::with_length(0x10, join("0004 'MQTT' 05 00 0000", "0000"));
    case 2:
      return test::with_length(0x20, join("00 00", ""));
    case 3:
      return test::with_length(0x30, join("0001 't'", "'payload'"));
    case 4:
    case 5:
    case 7:
      return test::with_length(static_cast<std::uint8_t>(place.packet << 4), join("0001 00", ""));
    case 6:
      return test::with_length(0x62, join("0001 00", ""));
    case 8:
      return test::with_length(0x82, join("0001", "0001 't' 00"));
    case 9:
      return test::with_length(0x90, join("0001", "00"));
    case 10:
      return test::with_length(0xA2, join("0001", "0001 't'"));
    case 11:
      return test::with_length(0xB0, join("0001", "00"));
    case 14:
      return test::with_length(0xE0, join("00", ""));
    default:
      return test::with_length(0xF0, join("18", ""));
  }
}

// What the property needs beside it to be legal.
Bytes companions(const Place& place, unsigned id) {
  const bool needs_method = id != 0x15 && (place.packet == 15 || id == 0x16) && place.ids.contains(0x15);
  return needs_method ? sample(0x15) : Bytes{};
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

tl::expected<Packet, DecodeError> decode_at(const Place& place, const Bytes& packet) {
  return test::decoded(packet, ProtocolVersion::v5_0, place.sender);
}

std::string label(const Place& place, unsigned id) {
  return std::string(place.packet == 0 ? "will" : packet_name(static_cast<PacketType>(place.packet))) +
         (place.sender == kClient ? " from client, " : " from server, ") + property_row(id)->name;
}

// Whether the other side may write the property in this packet.
bool other_side_may(const Place& place, unsigned id) {
  for (const Place& other : places()) {
    if (other.packet == place.packet && other.sender != place.sender && other.ids.contains(id)) return true;
  }
  return false;
}

TEST(PropertyTable, HasTwentySevenRows) {
  unsigned rows = 0;
  std::set<std::string> names;
  for (unsigned id = 0; id < 1000; ++id) {
    const PropertyRow* row = property_row(id);
    if (row == nullptr) continue;
    ++rows;
    names.insert(row->name);
    EXPECT_EQ(static_cast<unsigned>(row->id), id);
    EXPECT_EQ(property_row_by_name(row->name), row);
    EXPECT_EQ(row->from_client | row->from_server, row->packets) << row->name;
  }
  EXPECT_EQ(rows, 27u);
  EXPECT_EQ(names.size(), 27u);
  EXPECT_EQ(property_row_by_name("message-expiry"), nullptr);
  EXPECT_EQ(property_row(0), nullptr);
  EXPECT_EQ(property_row(0x2B), nullptr);
  EXPECT_EQ(property_row(0xFFFFFFFF), nullptr);
}

TEST(PropertyTable, EachPropertyInEachPacket) {
  unsigned accepted = 0;
  for (const Place& place : places()) {
    for (unsigned id = 1; id <= 0x2A; ++id) {
      if (property_row(id) == nullptr) continue;
      const Bytes packet = packet_with(place, joined(companions(place, id), sample(id)));
      const auto result = decode_at(place, packet);
      if (place.ids.contains(id)) {
        EXPECT_TRUE(result.has_value()) << label(place, id) << ": " << (result ? "" : result.error().what);
        ++accepted;
      } else {
        ASSERT_FALSE(result.has_value()) << label(place, id);
        // An identifier that is not for the packet makes it malformed; one for the other side is a protocol error.
        EXPECT_EQ(result.error().reason,
                  other_side_may(place, id) ? ReasonCode::protocol_error : ReasonCode::malformed_packet)
            << label(place, id);
      }
    }
  }
  EXPECT_EQ(accepted, 85u);
}

TEST(PropertyTable, OnlyUserPropertiesAndDeliveredSubscriptionIdentifiersRepeat) {
  for (const Place& place : places()) {
    for (const unsigned id : place.ids) {
      const Bytes twice = joined(joined(companions(place, id), sample(id)), sample(id));
      const Bytes packet = packet_with(place, twice);
      const auto result = decode_at(place, packet);
      const bool may = id == 0x26 || (id == 0x0B && place.packet == 3);
      EXPECT_EQ(result.has_value(), may) << label(place, id);
      if (!result && !may) {
        EXPECT_EQ(result.error().reason, ReasonCode::protocol_error) << label(place, id);
      }
    }
  }
}

TEST(PropertyTable, EveryCutOfEveryPropertyIsMalformed) {
  for (const Place& place : places()) {
    for (const unsigned id : place.ids) {
      const Bytes whole = sample(id);
      for (std::size_t size = 1; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const Bytes packet = packet_with(place, joined(companions(place, id), cut));
        const auto result = decode_at(place, packet);
        ASSERT_FALSE(result.has_value()) << label(place, id) << ' ' << size;
        EXPECT_EQ(result.error().reason, ReasonCode::malformed_packet) << label(place, id) << ' ' << size;
      }
    }
  }
}

TEST(PropertyTable, ValuesOutOfRule) {
  struct Case {
    unsigned packet;
    Sender sender;
    const char* property;
    ReasonCode reason;
    const char* clause;
  };
  const auto kProtocol = ReasonCode::protocol_error;
  const Case cases[] = {
      {3, kClient, "01 02", kProtocol, "3.3.2.3.2"},
      {0, kClient, "01 FF", kProtocol, "3.3.2.3.2"},
      {3, kClient, "08 0001 '#'", kProtocol, "MQTT-3.3.2-14"},
      {3, kClient, "08 0003 'a/+'", kProtocol, "MQTT-3.3.2-14"},
      {0, kClient, "08 0001 '+'", kProtocol, "MQTT-3.3.2-14"},
      {3, kClient, "08 0000", kProtocol, "MQTT-4.7.3-1"},
      {3, kServer, "0B 00", kProtocol, "3.8.2.1.2"},
      {8, kClient, "0B 00", kProtocol, "3.8.2.1.2"},
      {8, kClient, "0B 8000", ReasonCode::malformed_packet, "MQTT-1.5.5-1"},
      {8, kClient, "0B FFFFFFFF", ReasonCode::malformed_packet, "MQTT-1.5.5-1"},
      {1, kClient, "17 02", kProtocol, "3.1.2.11.7"},
      {1, kClient, "19 02", kProtocol, "3.1.2.11.6"},
      {1, kClient, "21 0000", kProtocol, "3.1.2.11.3"},
      {2, kServer, "21 0000", kProtocol, "3.1.2.11.3"},
      {1, kClient, "27 00000000", kProtocol, "3.1.2.11.4"},
      {3, kClient, "23 0000", ReasonCode::topic_alias_invalid, "MQTT-3.3.2-8"},
      {2, kServer, "24 02", kProtocol, "3.2.2.3.4"},
      {2, kServer, "25 02", kProtocol, "3.2.2.3.5"},
      {2, kServer, "28 02", kProtocol, "3.2.2.3.11"},
      {2, kServer, "29 02", kProtocol, "3.2.2.3.12"},
      {2, kServer, "2A 02", kProtocol, "3.2.2.3.13"},
      {3, kClient, "03 0002 C328", ReasonCode::malformed_packet, "MQTT-1.5.4-1"},
      {3, kClient, "08 0001 00", ReasonCode::malformed_packet, "MQTT-1.5.4-2"},
      {3, kClient, "26 0001 FF 0000", ReasonCode::malformed_packet, "MQTT-1.5.4-1"},
      {3, kClient, "26 0000 0003 EDA080", ReasonCode::malformed_packet, "MQTT-1.5.4-1"},
      {3, kClient, "00", ReasonCode::malformed_packet, "2.2.2.2"},
      {3, kClient, "2B 00", ReasonCode::malformed_packet, "2.2.2.2"},
      {3, kClient, "FF 01", ReasonCode::malformed_packet, "2.2.2.2"},
      {3, kClient, "81 00 01", ReasonCode::malformed_packet, "MQTT-1.5.5-1"},
      {3, kClient, "0B 01", kProtocol, "MQTT-3.3.4-6"},
      {14, kServer, "11 00000001", kProtocol, "MQTT-3.14.2-2"},
  };
  for (const Case& c : cases) {
    const Place place{c.packet, c.sender, {}};
    const Bytes packet = packet_with(place, bytes_of(c.property));
    const auto result = decode_at(place, packet);
    ASSERT_FALSE(result.has_value()) << c.property;
    EXPECT_EQ(result.error().reason, c.reason) << c.property;
    EXPECT_STREQ(result.error().clause, c.clause) << c.property;
  }
}

TEST(Properties, AnswersWhatIsThere) {
  PropertyWriter writer;
  EXPECT_TRUE(writer.empty());
  writer.add_pair(PropertyId::user_property, "a", "1");
  writer.add_number(PropertyId::message_expiry_interval, 0x01020304);
  writer.add_number(PropertyId::subscription_identifier, 268'435'455);
  writer.add_number(PropertyId::subscription_identifier, 1);
  writer.add_number(PropertyId::topic_alias, 0xABCD);
  writer.add_number(PropertyId::payload_format_indicator, 1);
  writer.add_text(PropertyId::content_type, "json");
  const Bytes data{0, 1, 2};
  writer.add_binary(PropertyId::correlation_data, data);
  const Properties properties = writer.properties();
  EXPECT_EQ(properties.number(PropertyId::message_expiry_interval), 0x01020304u);
  EXPECT_EQ(properties.number(PropertyId::subscription_identifier), 268'435'455u);
  EXPECT_EQ(properties.number(PropertyId::topic_alias), 0xABCDu);
  EXPECT_EQ(properties.number(PropertyId::payload_format_indicator), 1u);
  EXPECT_EQ(properties.text(PropertyId::content_type), "json");
  EXPECT_EQ(properties.text(PropertyId::response_topic), std::nullopt);
  EXPECT_TRUE(equal(properties.binary(PropertyId::correlation_data).value(), data));
  EXPECT_EQ(properties.number_or(PropertyId::receive_maximum, 65535), 65535u);
  EXPECT_FALSE(properties.has(PropertyId::receive_maximum));

  PropertyWriter copy;
  properties.for_each([&](const Property& property) { copy.add(property); });
  EXPECT_TRUE(equal(copy.properties().raw(), properties.raw()));
}

TEST(Properties, ForwardsAllButWhatBelongsToTheHop) {
  PropertyWriter all;
  PropertyWriter kept;
  all.add_number(PropertyId::topic_alias, 3);
  for (PropertyWriter* writer : {&all, &kept}) {
    writer->add_pair(PropertyId::user_property, "b", "2");
    writer->add_text(PropertyId::response_topic, "r");
  }
  all.add_number(PropertyId::message_expiry_interval, 10);
  all.add_number(PropertyId::subscription_identifier, 10);
  for (PropertyWriter* writer : {&all, &kept}) writer->add_pair(PropertyId::user_property, "a", "1");
  for (const PropertyWriter* source : {&all, &kept}) {
    const std::size_t size = forwardable_size(source->properties());
    ASSERT_EQ(size, kept.properties().raw().size());
    Bytes out(size);
    EXPECT_EQ(copy_forwardable(source->properties(), out.data()), out.data() + size);
    EXPECT_TRUE(equal(out, kept.properties().raw()));
  }
}

TEST(Properties, FromADiskAreTakenOnlyWhole) {
  PropertyWriter writer;
  std::set<std::size_t> ends = {0};
  const auto written = [&] { ends.insert(writer.properties().raw().size()); };
  writer.add_number(PropertyId::payload_format_indicator, 1);
  written();
  writer.add_number(PropertyId::message_expiry_interval, 70'000);
  written();
  writer.add_number(PropertyId::subscription_identifier, 268'435'455);
  written();
  writer.add_number(PropertyId::receive_maximum, 9);
  written();
  writer.add_text(PropertyId::content_type, "text");
  written();
  writer.add_pair(PropertyId::user_property, "name", "value");
  written();
  const ByteView all = writer.properties().raw();
  for (std::size_t size = 0; size <= all.size(); ++size) {
    EXPECT_EQ(Properties::checked(all.first(size)).has_value(), ends.contains(size)) << size;
  }
  EXPECT_EQ(Properties::checked(all)->text(PropertyId::content_type), "text");
  EXPECT_FALSE(Properties::checked(Bytes{0x7f, 1}));
}

TEST(PropertiesDeathTest, WrongKindIsABug) {
  PropertyWriter writer;
  EXPECT_DEATH(writer.add_number(PropertyId::content_type, 1), "number");
  EXPECT_DEATH(writer.add_text(PropertyId::topic_alias, "x"), "text");
  const Bytes content_type = {0x03, 0, 1, 0x78};
  EXPECT_DEATH(static_cast<void>(Properties::trusted(content_type).number(PropertyId::content_type)), "number");
  EXPECT_DEATH(static_cast<void>(Properties::trusted(Bytes{0x03, 0, 9})), "validated");
}

}  // namespace
}  // namespace martlet::wire
