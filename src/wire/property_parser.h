// Validates a packet's property section. Internal to the room.
#pragma once

#include <cstdint>

#include "wire/properties.h"
#include "wire/reader.h"

namespace martlet::wire {

class PropertyParser {
 public:
  // Takes the property length and the properties off `in` [2.2.2]. `packet` is packet_bit() of the packet or kWillBit.
  static bool parse(Reader& in, std::uint32_t packet, Sender sender, Properties& out);

 private:
  PropertyParser(ByteView section, std::uint32_t packet, Sender sender)
      : in_(section), packet_(packet), sender_(sender) {}

  bool parse_all();
  bool parse_one();
  bool admit(const PropertyRow& row);
  bool parse_value(const PropertyRow& row);
  bool parse_number(const PropertyRow& row);
  bool parse_text(const PropertyRow& row);

  Reader in_;
  std::uint32_t packet_;
  Sender sender_;
  std::uint64_t present_ = 0;
};

}  // namespace martlet::wire
