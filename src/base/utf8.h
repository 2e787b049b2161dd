// UTF-8, character by character. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace martlet {

struct Character {
  std::uint32_t code_point = 0;
  std::size_t size_bytes = 1;
  bool valid = false;  // otherwise one byte that begins no character: ill-formed, overlong, a surrogate or cut off
};

// The first character of `text`, which is not empty.
Character first_character(std::string_view text);

}  // namespace martlet
