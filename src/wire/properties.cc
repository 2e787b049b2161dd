#include "wire/properties.h"

#include "base/check.h"
#include "wire/writer.h"

namespace martlet::wire {
namespace {

// Reads validated bytes; that they are is checked only as far as memory safety asks.
class TrustedReader {
 public:
  explicit TrustedReader(ByteView& rest) : rest_(rest) {}

  ByteView take(std::size_t count) {
    check(count <= rest_.size(), "property bytes were validated");
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::uint32_t take_number(std::size_t width) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : take(width)) value = value << 8 | byte;
    return value;
  }

  std::uint32_t take_varint() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
      const std::uint8_t byte = take(1)[0];
      value |= static_cast<std::uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  ByteView take_binary() { return take(take_number(2)); }

 private:
  ByteView& rest_;
};

PropertyKind kind_of(PropertyId id) {
  const PropertyRow* row = property_row(static_cast<std::uint32_t>(id));
  check(row != nullptr, "the property exists");
  return row->kind;
}

bool is_number(PropertyKind kind) {
  return kind == PropertyKind::byte || kind == PropertyKind::two_byte || kind == PropertyKind::four_byte ||
         kind == PropertyKind::varint;
}

bool forwardable(PropertyId id) {
  return id != PropertyId::message_expiry_interval && id != PropertyId::topic_alias &&
         id != PropertyId::subscription_identifier && id != PropertyId::will_delay_interval;
}

constexpr std::uint64_t bit_of(PropertyId id) {
  return std::uint64_t{1} << static_cast<unsigned>(id);
}

constexpr std::uint64_t kNotForwardable =
    bit_of(PropertyId::message_expiry_interval) | bit_of(PropertyId::topic_alias) |
    bit_of(PropertyId::subscription_identifier) | bit_of(PropertyId::will_delay_interval);

}  // namespace

Properties Properties::trusted(ByteView raw) {
  Properties made;
  made.raw_ = raw;
  made.for_each([&](const Property& property) { made.present_ |= bit_of(property.id); });
  return made;
}

std::optional<Properties> Properties::checked(ByteView raw) {
  for (ByteView rest = raw; !rest.empty();) {
    const std::size_t size = size_of_first(rest);
    if (size == 0) return std::nullopt;
    rest = rest.subspan(size);
  }
  return trusted(raw);
}

std::size_t Properties::size_of_first(ByteView rest) {
  const PropertyRow* row = property_row(rest[0]);
  if (!row) return 0;
  // Bytes of a length-prefixed part at `at`, as far as they are there.
  const auto part = [&](std::size_t at) {
    return at + 2 <= rest.size() ? std::size_t{2} + (std::size_t{rest[at]} << 8 | rest[at + 1]) : rest.size();
  };
  std::size_t size = 1;
  switch (row->kind) {
    case PropertyKind::byte:
      size += 1;
      break;
    case PropertyKind::two_byte:
      size += 2;
      break;
    case PropertyKind::four_byte:
      size += 4;
      break;
    case PropertyKind::varint:
      do {
        ++size;
      } while (size <= rest.size() && size < 5 && rest[size - 1] >= 0x80);
      break;
    case PropertyKind::text_pair:
      size += part(size);
      size += part(size);
      break;
    case PropertyKind::text:
    case PropertyKind::binary:
      size += part(size);
      break;
  }
  return size <= rest.size() ? size : 0;
}

Property Properties::take_property(ByteView& rest) {
  TrustedReader in(rest);
  Property property{static_cast<PropertyId>(in.take(1)[0]), 0, {}, {}};
  switch (kind_of(property.id)) {
    case PropertyKind::byte:
      property.number = in.take_number(1);
      break;
    case PropertyKind::two_byte:
      property.number = in.take_number(2);
      break;
    case PropertyKind::four_byte:
      property.number = in.take_number(4);
      break;
    case PropertyKind::varint:
      property.number = in.take_varint();
      break;
    case PropertyKind::text_pair:
      property.name = as_text(in.take_binary());
      property.value = in.take_binary();
      break;
    case PropertyKind::text:
    case PropertyKind::binary:
      property.value = in.take_binary();
      break;
  }
  return property;
}

std::optional<Property> Properties::find(PropertyId id) const {
  if (!has(id)) return std::nullopt;
  ByteView rest = raw_;
  while (!rest.empty()) {
    const Property property = take_property(rest);
    if (property.id == id) return property;
  }
  return std::nullopt;
}

std::uint32_t Properties::number_that_is_there(PropertyId id) const {
  check(is_number(kind_of(id)), "the property is a number");
  return find(id)->number;
}

std::optional<std::string_view> Properties::text(PropertyId id) const {
  check(kind_of(id) == PropertyKind::text, "the property is text");
  const std::optional<Property> found = find(id);
  if (!found) return std::nullopt;
  return as_text(found->value);
}

std::optional<ByteView> Properties::binary(PropertyId id) const {
  check(kind_of(id) == PropertyKind::binary, "the property is binary");
  const std::optional<Property> found = find(id);
  if (!found) return std::nullopt;
  return found->value;
}

std::uint32_t Properties::number_or(PropertyId id, std::uint32_t otherwise) const {
  return number(id).value_or(otherwise);
}

std::uint8_t* PropertyWriter::extend(std::size_t count) {
  bytes_.resize(bytes_.size() + count);
  return bytes_.data() + bytes_.size() - count;
}

void PropertyWriter::add_number(PropertyId id, std::uint32_t value) {
  const auto id_byte = static_cast<std::uint8_t>(id);
  switch (kind_of(id)) {
    case PropertyKind::byte: {
      Writer out(extend(2));
      out.put_u8(id_byte);
      out.put_u8(static_cast<std::uint8_t>(value));
      return;
    }
    case PropertyKind::two_byte: {
      Writer out(extend(3));
      out.put_u8(id_byte);
      out.put_u16(static_cast<std::uint16_t>(value));
      return;
    }
    case PropertyKind::four_byte: {
      Writer out(extend(5));
      out.put_u8(id_byte);
      out.put_u32(value);
      return;
    }
    case PropertyKind::varint: {
      check(value <= kMaxRemainingLength, "a variable byte integer has at most 28 bits");
      Writer out(extend(1 + varint_size(value)));
      out.put_u8(id_byte);
      out.put_varint(value);
      return;
    }
    default:
      check(false, "the property is a number");
  }
}

void PropertyWriter::add_text(PropertyId id, std::string_view value) {
  check(kind_of(id) == PropertyKind::text, "the property is text");
  add_sized(id, as_bytes(value));
}

void PropertyWriter::add_binary(PropertyId id, ByteView value) {
  check(kind_of(id) == PropertyKind::binary, "the property is binary");
  add_sized(id, value);
}

void PropertyWriter::add_sized(PropertyId id, ByteView value) {
  Writer out(extend(3 + value.size()));
  out.put_u8(static_cast<std::uint8_t>(id));
  out.put_binary(value);
}

void PropertyWriter::add_pair(PropertyId id, std::string_view name, std::string_view value) {
  check(kind_of(id) == PropertyKind::text_pair, "the property is a pair");
  Writer out(extend(5 + name.size() + value.size()));
  out.put_u8(static_cast<std::uint8_t>(id));
  out.put_text(name);
  out.put_text(value);
}

void PropertyWriter::add(const Property& property) {
  const PropertyKind kind = kind_of(property.id);
  if (is_number(kind)) return add_number(property.id, property.number);
  if (kind == PropertyKind::text_pair) return add_pair(property.id, property.name, as_text(property.value));
  add_sized(property.id, property.value);
}

std::size_t forwardable_size(const Properties& properties) {
  if ((properties.present() & kNotForwardable) == 0) return properties.raw().size();
  std::size_t size = 0;
  properties.for_each_raw([&](PropertyId id, ByteView raw) { size += forwardable(id) ? raw.size() : 0; });
  return size;
}

std::uint8_t* copy_forwardable(const Properties& properties, std::uint8_t* out) {
  if ((properties.present() & kNotForwardable) == 0) return copy_bytes(out, properties.raw());
  properties.for_each_raw([&](PropertyId id, ByteView raw) {
    if (forwardable(id)) out = copy_bytes(out, raw);
  });
  return out;
}

}  // namespace martlet::wire
