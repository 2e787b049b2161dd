// Text that is set once and then only read, in 8 bytes and one allocation; empty, it owns nothing. std::string takes 32
// bytes, which is a lot for a client identifier of which there are a million.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace martlet {

// Below 4 GiB. Its characters stay where they are when it is moved.
class CompactText {
 public:
  CompactText() = default;
  explicit CompactText(std::string_view text) { *this = text; }
  CompactText& operator=(std::string_view text) {
    if (text.empty()) {
      bytes_.reset();
      return *this;
    }
    const auto size = static_cast<std::uint32_t>(text.size());
    std::unique_ptr<char[]> bytes(new char[sizeof size + size]);
    std::memcpy(bytes.get(), &size, sizeof size);
    std::memcpy(bytes.get() + sizeof size, text.data(), size);
    bytes_ = std::move(bytes);  // last: `text` may lie in the old bytes
    return *this;
  }

  std::string_view view() const {
    if (!bytes_) return {};
    std::uint32_t size;
    std::memcpy(&size, bytes_.get(), sizeof size);
    return {bytes_.get() + sizeof size, size};
  }
  operator std::string_view() const { return view(); }  // NOLINT: reads like any text
  bool empty() const { return !bytes_; }

 private:
  std::unique_ptr<char[]> bytes_;  // the number of characters, then these
};

}  // namespace martlet
