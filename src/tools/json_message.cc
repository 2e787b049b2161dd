#include "tools/json_message.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/json_writer.h"

namespace martlet::tools {
namespace {

using wire::Property;
using wire::PropertyId;

// Hands what the parser finds to the writer; large numbers keep their digits, doubled keys stay.
class Rewriter final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Rewriter(JsonWriter& to) : to_(to) {}

  bool null() override { return to_.null(), true; }
  bool boolean(bool value) override { return to_.boolean(value), true; }
  bool number_integer(number_integer_t value) override { return to_.number(value), true; }
  bool number_unsigned(number_unsigned_t value) override { return to_.number(value), true; }
  bool number_float(number_float_t value, const string_t&) override { return to_.number(value), true; }
  bool string(string_t& value) override { return to_.text(value), true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return to_.begin_object(), true; }
  bool key(string_t& name) override { return to_.key(name), true; }
  bool end_object() override { return to_.end_object(), true; }
  bool start_array(std::size_t) override { return to_.begin_array(), true; }
  bool end_array() override { return to_.end_array(), true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  JsonWriter& to_;
};

void write_property(JsonWriter& json, const Property& property) {
  const wire::PropertyRow& row = *wire::property_row(static_cast<std::uint32_t>(property.id));
  json.key(row.name);
  if (row.kind == wire::PropertyKind::text || row.kind == wire::PropertyKind::binary) {
    json.text(as_text(property.value));
  } else {
    json.number(std::uint64_t{property.number});
  }
}

// All user properties stand in one object, where the first of them stood.
void write_properties(JsonWriter& json, const wire::Properties& properties) {
  json.key("properties");
  json.begin_object();
  bool pairs_written = false;
  properties.for_each([&](const Property& property) {
    if (property.id != PropertyId::user_property) return write_property(json, property);
    if (std::exchange(pairs_written, true)) return;
    json.key("user-properties");
    json.begin_object();
    properties.for_each([&](const Property& pair) {
      if (pair.id != PropertyId::user_property) return;
      json.key(pair.name);
      json.text(as_text(pair.value));
    });
    json.end_object();
  });
  json.end_object();
}

std::string timestamp(const env::posix::WallTime& time) {
  return env::posix::format_local(time, "%Y-%m-%dT%H:%M:%S") + fmt::format(".{:06}Z", time.nanoseconds / 1000) +
         env::posix::format_local(time, "%z");
}

}  // namespace

bool write_json_message(std::string& out, const wire::Publish& message, const env::posix::WallTime& time,
                        JsonPayload payload, bool pretty) {
  const std::size_t before = out.size();
  JsonWriter json(out, pretty);
  json.begin_object();
  json.key("tst");
  json.text(timestamp(time));
  json.key("topic");
  json.text(message.topic);
  json.key("qos");
  json.number(std::uint64_t{static_cast<unsigned>(message.qos)});
  json.key("retain");
  json.number(std::uint64_t{message.retain});
  json.key("payloadlen");
  json.number(std::uint64_t{message.payload.size()});
  if (message.qos != wire::QoS::at_most_once) {
    json.key("mid");
    json.number(std::uint64_t{message.packet_id});
  }
  if (!message.properties.empty()) write_properties(json, message.properties);

  json.key("payload");
  if (message.payload.empty()) {
    json.null();
  } else if (payload == JsonPayload::as_text) {
    json.text(as_text(message.payload));
  } else {
    Rewriter rewriter(json);
    if (!nlohmann::json::sax_parse(message.payload.begin(), message.payload.end(), &rewriter)) {
      out.resize(before);
      return false;
    }
  }
  json.end_object();
  return true;
}

}  // namespace martlet::tools
