// Borrowed views of bytes and text. A view is never stored beyond the call that received it.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace martlet {

using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// memcpy that allows an empty source without a valid pointer. Returns the byte behind the copy.
inline std::uint8_t* copy_bytes(std::uint8_t* to, ByteView from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
  return to + from.size();
}

}  // namespace martlet
