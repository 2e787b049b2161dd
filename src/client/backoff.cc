#include "client/backoff.h"

#include <algorithm>

namespace martlet::client {

std::int64_t Backoff::next_ms() {
  std::int64_t whole = std::max<std::int64_t>(options_.first_ms, 0);
  for (unsigned i = 0; i < failures_ && whole < options_.longest_ms; ++i) whole *= 2;
  whole = std::min(whole, options_.longest_ms);
  ++failures_;
  const std::int64_t half = whole / 2;
  return half + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(whole - half) + 1));
}

}  // namespace martlet::client
