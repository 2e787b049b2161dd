#include "tests/support/packet_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/reason_name.h"

namespace martlet::test {
namespace {

Value number(std::uint64_t value) {
  return Value::of_number(value);
}
Value flag(bool value) {
  return number(value ? 1 : 0);
}

void add_properties(PacketText& text, const wire::Properties& properties) {
  properties.for_each([&](const wire::Property& property) {
    const wire::PropertyRow& row = *wire::property_row(static_cast<std::uint32_t>(property.id));
    Value value = number(property.number);
    if (row.kind == wire::PropertyKind::text_pair) {
      value = Value::of_pair(property.name, as_text(property.value));
    } else if (row.kind == wire::PropertyKind::text || row.kind == wire::PropertyKind::binary) {
      value = Value::of_bytes(as_text(property.value));
    }
    text.fields.push_back({row.name, std::move(value)});
  });
}

struct Describe {
  PacketText& out;

  void add(std::string name, Value value) { out.fields.push_back({std::move(name), std::move(value)}); }
  void reason(wire::ReasonCode code) { add("reason", number(static_cast<std::uint64_t>(code))); }

  void operator()(const wire::Connack& packet) {
    add("session-present", flag(packet.session_present));
    reason(packet.reason);
    add_properties(out, packet.properties);
  }
  void operator()(const wire::Publish& packet) {
    add("topic", Value::of_bytes(packet.topic));
    add("qos", number(static_cast<std::uint64_t>(packet.qos)));
    add("dup", flag(packet.dup));
    add("retain", flag(packet.retain));
    if (packet.qos != wire::QoS::at_most_once) add("pid", number(packet.packet_id));
    add("payload", Value::of_bytes(as_text(packet.payload)));
    add_properties(out, packet.properties);
  }
  void operator()(const wire::PublishAck& packet) {
    add("pid", number(packet.packet_id));
    reason(packet.reason);
    add_properties(out, packet.properties);
  }
  void operator()(const wire::FilterAck& packet) {
    add("pid", number(packet.packet_id));
    Value list;
    list.kind = Value::Kind::list;
    for (const std::uint8_t code : packet.reasons) list.list.push_back(number(code));
    add("reasons", std::move(list));
    add_properties(out, packet.properties);
  }
  void operator()(const wire::Disconnect& packet) {
    reason(packet.reason);
    add_properties(out, packet.properties);
  }
  void operator()(const wire::Auth& packet) {
    reason(packet.reason);
    add_properties(out, packet.properties);
  }
  void operator()(const wire::Pingresp&) {}
  template <class Other>
  void operator()(const Other&) {
    throw TextError("the broker sent a packet that only clients send");
  }
};

bool is_default(const Field& field) {
  static const std::vector<std::string_view> kZero = {"session-present", "reason", "qos", "dup", "retain"};
  if (field.name == "payload" || field.name == "topic") return field.value.bytes.empty();
  if (field.name == "reasons") return field.value.list.empty();
  return std::find(kZero.begin(), kZero.end(), field.name) != kZero.end() && field.value.number == 0;
}

// What an expectation need not mention: identifiers, words for people, and the limits that every CONNACK announces.
bool is_free(const Field& field) {
  static const std::vector<std::string_view> kFree = {"pid", "reason-string", "receive-maximum", "maximum-packet-size",
                                                      "topic-alias-maximum"};
  return std::find(kFree.begin(), kFree.end(), field.name) != kFree.end();
}

bool matches(Value expected, const Value& actual, std::string_view name, Variables& variables) {
  if (name == "reason" && expected.kind == Value::Kind::word) expected = number(reason_number(expected));
  if (name == "reasons") {
    if (expected.kind != Value::Kind::list) {
      Value list;
      list.kind = Value::Kind::list;
      if (expected.kind != Value::Kind::none) list.list.push_back(expected);
      expected = list;
    }
    for (Value& element : expected.list) element = number(reason_number(element));
  }
  switch (expected.kind) {
    case Value::Kind::any:
      return true;
    case Value::Kind::range:
      return actual.kind == Value::Kind::number && actual.number >= expected.number && actual.number <= expected.high;
    case Value::Kind::capture:
      variables[expected.bytes] = actual;
      return true;
    default:
      return expected == actual;
  }
}

std::vector<Value> values_of(const PacketText& packet, const std::string& name) {
  std::vector<Value> values;
  for (const Field& field : packet.fields) {
    if (field.name == name) values.push_back(field.value);
  }
  // A set on the wire; only user properties have an order.
  if (name == "subscription-identifier") {
    std::sort(values.begin(), values.end(), [](const Value& a, const Value& b) { return a.number < b.number; });
  }
  return values;
}

std::string field_difference(const PacketText& expected, const PacketText& actual, const std::string& name,
                             Variables& variables) {
  const std::vector<Value> wanted = values_of(expected, name);
  const std::vector<Value> got = values_of(actual, name);
  if (wanted.size() == 1 && wanted[0].kind == Value::Kind::none && name != "reasons") {
    return got.empty() ? "" : fmt::format("{} is there", name);
  }
  if (got.size() != wanted.size()) return fmt::format("{} occurs {} times, not {}", name, got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!matches(wanted[i], got[i], name, variables)) {
      return fmt::format("{} is {}, not {}", name, to_text(got[i]), to_text(wanted[i]));
    }
  }
  return "";
}

}  // namespace

PacketText parse_packet(std::string_view line, const Variables& variables) {
  LineReader in(line, variables);
  PacketText packet;
  packet.name = in.word();
  while (!in.at_end()) {
    if (in.peek() == "...") {
      in.word();
      packet.others_allowed = true;
    } else {
      packet.fields.push_back(in.field());
    }
  }
  return packet;
}

PacketText describe(const wire::Packet& packet) {
  PacketText text;
  text.name = wire::packet_name(wire::type_of(packet));
  std::visit(Describe{text}, packet);
  return text;
}

std::string render(const PacketText& packet) {
  std::string line = packet.name;
  for (const Field& field : packet.fields) {
    if (is_default(field)) continue;
    const bool is_reason = field.name == "reason";
    line += fmt::format(" {}={}", field.name,
                        is_reason ? fmt::format("0x{:02x}", field.value.number) : to_text(field.value));
  }
  return line;
}

std::string difference(const PacketText& expected, const PacketText& actual, Variables& variables) {
  if (expected.name != actual.name) return fmt::format("it is a {}", actual.name);
  Variables bound = variables;
  for (const Field& field : expected.fields) {
    std::string differs = field_difference(expected, actual, field.name, bound);
    if (!differs.empty()) return differs;
  }
  for (const Field& field : actual.fields) {
    if (expected.others_allowed || is_default(field) || is_free(field)) continue;
    const bool mentioned = std::any_of(expected.fields.begin(), expected.fields.end(),
                                       [&](const Field& other) { return other.name == field.name; });
    if (!mentioned) return fmt::format("{}={} was not expected", field.name, to_text(field.value));
  }
  variables = std::move(bound);
  return "";
}

}  // namespace martlet::test
