// A packet's property set: a borrowed view of validated bytes, and a writer that makes such bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "wire/property.h"

namespace martlet::wire {

// One property as it stands in the packet. Numbers of every width are in `number`; text and binary in `value`; a pair
// has its name in `name`.
struct Property {
  PropertyId id;
  std::uint32_t number = 0;
  std::string_view name;
  ByteView value;
};

// View of a whole property section without its length. Only validated bytes get in: the decoder's or a writer's. It
// borrows; copying the object does not copy the bytes.
class Properties {
 public:
  Properties() = default;

  // `raw` was validated by the decoder or written by PropertyWriter; anything else is a bug.
  static Properties trusted(ByteView raw);
  // For bytes from a disk: nothing if they are not a row of whole properties. Their values and places are not checked.
  static std::optional<Properties> checked(ByteView raw);

  bool empty() const { return raw_.empty(); }
  ByteView raw() const { return raw_; }
  // Bit per property identifier that occurs.
  std::uint64_t present() const { return present_; }
  bool has(PropertyId id) const { return (present_ >> static_cast<unsigned>(id)) & 1; }

  // The first value of `id`, or nothing. Asking for the wrong kind is a bug.
  std::optional<std::uint32_t> number(PropertyId id) const {
    return has(id) ? std::optional<std::uint32_t>(number_that_is_there(id)) : std::nullopt;
  }
  std::optional<std::string_view> text(PropertyId id) const;
  std::optional<ByteView> binary(PropertyId id) const;
  // number(id), or `otherwise` when it is absent: the specification gives most properties a default.
  std::uint32_t number_or(PropertyId id, std::uint32_t otherwise) const;

  // Calls visit(const Property&) for each in the packet's order.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    ByteView rest = raw_;
    while (!rest.empty()) visit(take_property(rest));
  }

  // As for_each(), with each property's bytes as they stand: visit(PropertyId, ByteView).
  template <class Visitor>
  void for_each_raw(Visitor&& visit) const {
    ByteView rest = raw_;
    while (!rest.empty()) {
      const ByteView before = rest;
      const PropertyId id = take_property(rest).id;
      visit(id, before.first(before.size() - rest.size()));
    }
  }

 private:
  friend class PropertyParser;
  // Bytes of the first property of `rest`; 0 if it is not whole or unknown.
  static std::size_t size_of_first(ByteView rest);
  // Splits the first property off `rest`, which holds validated bytes.
  static Property take_property(ByteView& rest);
  std::optional<Property> find(PropertyId id) const;
  std::uint32_t number_that_is_there(PropertyId id) const;

  ByteView raw_;
  std::uint64_t present_ = 0;  // bit per property identifier
};

// Collects properties in the order of the calls. The wrong kind for a property, or a value that does not fit its kind,
// is a bug; whether the packet may carry it is the caller's care. The view that it gives lives as long as the writer is
// not changed.
class PropertyWriter {
 public:
  void add_number(PropertyId id, std::uint32_t value);
  void add_text(PropertyId id, std::string_view value);
  void add_binary(PropertyId id, ByteView value);
  void add_pair(PropertyId id, std::string_view name, std::string_view value);
  // Appends `property` as it is.
  void add(const Property& property);

  Properties properties() const { return Properties::trusted(bytes_); }
  bool empty() const { return bytes_.empty(); }

 private:
  std::uint8_t* extend(std::size_t count);
  void add_sized(PropertyId id, ByteView value);

  std::vector<std::uint8_t> bytes_;
};

// Properties of a PUBLISH or a will that belong to the message and are passed on unchanged (all but message expiry,
// topic alias, subscription identifiers and will delay) [MQTT-3.3.2-4], [MQTT-3.3.2-17].
std::size_t forwardable_size(const Properties& properties);
// Writes them to `out`, which has forwardable_size() bytes; returns the byte behind.
std::uint8_t* copy_forwardable(const Properties& properties, std::uint8_t* out);

}  // namespace martlet::wire
