// From a scenario line to the bytes that a client sends, legal or not.
#include <fmt/format.h>

#include <optional>

#include "tests/support/packet_text.h"
#include "tests/support/reason_name.h"
#include "wire/property.h"

namespace martlet::test {
namespace {

using wire::PropertyKind;
using wire::ProtocolVersion;

class Bytes {
 public:
  void u8(std::uint64_t value) { out_ += static_cast<char>(value & 0xFF); }
  void u16(std::uint64_t value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(std::uint64_t value) {
    u16(value >> 16);
    u16(value);
  }
  void varint(std::uint64_t value) {
    do {
      u8((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
      value >>= 7;
    } while (value > 0);
  }
  void raw(std::string_view bytes) { out_ += bytes; }
  void text(std::string_view bytes) {
    u16(bytes.size());
    raw(bytes);
  }
  void sized(const Bytes& inner) {
    varint(inner.out_.size());
    raw(inner.out_);
  }
  const std::string& str() const { return out_; }

 private:
  std::string out_;
};

// The fields of one line; each must be asked for, so that a misspelt one is found.
class Fields {
 public:
  explicit Fields(const PacketText& packet) : packet_(packet), used_(packet.fields.size(), false) {}

  const Value* find(std::string_view name) {
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (packet_.fields[i].name != name) continue;
      used_[i] = true;
      return &packet_.fields[i].value;
    }
    return nullptr;
  }
  bool has(std::string_view name) { return find(name) != nullptr; }
  std::uint64_t number(std::string_view name, std::uint64_t otherwise) {
    const Value* value = find(name);
    if (!value) return otherwise;
    if (value->kind != Value::Kind::number) throw TextError(fmt::format("{} takes a number", name));
    return value->number;
  }
  std::string bytes(std::string_view name) {
    const Value* value = find(name);
    if (!value) return {};
    if (value->kind != Value::Kind::bytes) throw TextError(fmt::format("{} takes a text", name));
    return value->bytes;
  }
  std::uint64_t reason() {
    const Value* value = find("reason");
    return value ? reason_number(*value) : 0;
  }
  const std::vector<Field>& all() const { return packet_.fields; }
  void use(std::size_t index) { used_[index] = true; }
  void check_all_used() const {
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) throw TextError(fmt::format("{} has no field '{}'", packet_.name, packet_.fields[i].name));
    }
  }

 private:
  const PacketText& packet_;
  std::vector<bool> used_;
};

void put_property(Bytes& out, const wire::PropertyRow& row, const Value& value) {
  const bool is_text =
      row.kind == PropertyKind::text || row.kind == PropertyKind::binary || row.kind == PropertyKind::text_pair;
  if (row.kind == PropertyKind::text_pair && value.kind != Value::Kind::pair)
    throw TextError(fmt::format("{} takes \"name\":\"value\"", row.name));
  if (row.kind != PropertyKind::text_pair && value.kind != (is_text ? Value::Kind::bytes : Value::Kind::number))
    throw TextError(fmt::format("{} takes a {}", row.name, is_text ? "text" : "number"));
  out.u8(static_cast<std::uint64_t>(row.id));
  switch (row.kind) {
    case PropertyKind::byte:
      return out.u8(value.number);
    case PropertyKind::two_byte:
      return out.u16(value.number);
    case PropertyKind::four_byte:
      return out.u32(value.number);
    case PropertyKind::varint:
      return out.varint(value.number);
    case PropertyKind::text:
    case PropertyKind::binary:
      return out.text(value.bytes);
    case PropertyKind::text_pair:
      break;
  }
  out.text(value.bytes);
  out.text(value.second);
}

// The properties among the fields whose name starts with `prefix`, in the line's order.
Bytes properties(Fields& fields, std::string_view prefix = "") {
  Bytes out;
  for (std::size_t i = 0; i < fields.all().size(); ++i) {
    const Field& field = fields.all()[i];
    if (!field.name.starts_with(prefix)) continue;
    const std::string_view name = std::string_view(field.name).substr(prefix.size());
    const wire::PropertyRow* row = wire::property_row_by_name(name);
    if (!row) continue;
    fields.use(i);
    put_property(out, *row, field.value);
  }
  return out;
}

ProtocolVersion version_of(std::uint64_t level) {
  return level == 3 ? ProtocolVersion::v3_1 : level == 4 ? ProtocolVersion::v3_1_1 : ProtocolVersion::v5_0;
}

void put_connect(Fields& in, Bytes& body, ProtocolVersion& version) {
  const std::uint64_t level = in.number("version", 5);
  version = version_of(level);
  const bool is_v5 = version == ProtocolVersion::v5_0;
  const bool will = in.has("will-topic");
  std::uint64_t flags = (in.number("clean", 1) != 0 ? 0x02u : 0u) | (will ? 0x04u : 0u) |
                        (in.number("will-qos", 0) & 3) << 3 | (in.number("will-retain", 0) != 0 ? 0x20u : 0u) |
                        (in.has("password") ? 0x40u : 0u) | (in.has("username") ? 0x80u : 0u);
  flags = in.number("connect-flags", flags);
  body.text(in.has("protocol-name") ? in.bytes("protocol-name") : level == 3 ? "MQIsdp" : "MQTT");
  body.u8(in.number("level", level));
  body.u8(flags);
  body.u16(in.number("keepalive", 0));
  if (is_v5) body.sized(properties(in));
  body.text(in.bytes("id"));
  if (will) {
    if (is_v5) body.sized(properties(in, "will."));
    body.text(in.bytes("will-topic"));
    body.text(in.bytes("will-payload"));
  }
  if (in.has("username")) body.text(in.bytes("username"));
  if (in.has("password")) body.text(in.bytes("password"));
}

std::uint64_t put_publish(Fields& in, Bytes& body, bool is_v5) {
  const std::uint64_t qos = in.number("qos", 0);
  body.text(in.bytes("topic"));
  if (in.has("pid")) {
    body.u16(in.number("pid", 0));
  } else if (qos != 0) {
    throw TextError("a PUBLISH above QoS 0 needs pid=");
  }
  if (is_v5) body.sized(properties(in));
  body.raw(in.bytes("payload"));
  return (in.number("dup", 0) != 0 ? 8u : 0u) | (qos & 3) << 1 | (in.number("retain", 0) != 0 ? 1u : 0u);
}

// `filter=` starts an entry; the options after it are that entry's.
void put_filters(Fields& in, Bytes& body, bool with_options) {
  std::optional<std::uint64_t> options;
  const auto end_entry = [&] {
    if (options && with_options) body.u8(*options);
    options.reset();
  };
  for (std::size_t i = 0; i < in.all().size(); ++i) {
    const Field& field = in.all()[i];
    const std::uint64_t number = field.value.number;
    if (field.name == "filter") {
      end_entry();
      body.text(field.value.bytes);
      options = 0;
    } else if (!options) {
      continue;
    } else if (field.name == "qos") {
      *options |= number;
    } else if (field.name == "no-local") {
      *options |= number << 2;
    } else if (field.name == "retain-as-published") {
      *options |= number << 3;
    } else if (field.name == "retain-handling") {
      *options |= number << 4;
    } else if (field.name == "options") {
      *options = number;
    } else {
      continue;
    }
    in.use(i);
  }
  end_entry();
}

void put_publish_ack(Fields& in, Bytes& body, bool is_v5) {
  body.u16(in.number("pid", 0));
  if (!is_v5) return;
  const Bytes own = properties(in);
  if (!in.has("reason") && own.str().empty()) return;
  body.u8(in.reason());
  if (!own.str().empty()) body.sized(own);
}

void put_reasoned(Fields& in, Bytes& body, bool is_v5) {
  if (!is_v5) return;
  const Bytes own = properties(in);
  if (!in.has("reason") && own.str().empty()) return;
  body.u8(in.reason());
  if (!own.str().empty()) body.sized(own);
}

}  // namespace

std::string encode_text(const PacketText& packet, ProtocolVersion& version) {
  static constexpr std::string_view kNames[] = {
      "",          "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
      "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
  std::uint64_t type = 1;
  while (type < 16 && kNames[type] != packet.name) ++type;
  if (type == 16) throw TextError(fmt::format("there is no packet '{}'", packet.name));

  Fields in(packet);
  Bytes body;
  std::uint64_t flags = type == 6 || type == 8 || type == 10 ? 2 : 0;
  if (type == 1) put_connect(in, body, version);
  const bool is_v5 = version == ProtocolVersion::v5_0;
  if (type == 3) flags = put_publish(in, body, is_v5);
  if (type >= 4 && type <= 7) put_publish_ack(in, body, is_v5);
  if (type == 8 || type == 10) {
    body.u16(in.number("pid", 0));
    if (is_v5) body.sized(properties(in));
    put_filters(in, body, type == 8);
  }
  if (type == 14 || type == 15) put_reasoned(in, body, is_v5);
  flags = in.number("flags", flags);
  in.check_all_used();

  Bytes out;
  out.u8(type << 4 | flags);
  out.sized(body);
  return out.str();
}

}  // namespace martlet::test
