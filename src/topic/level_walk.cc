#include "topic/level_walk.h"

#include <algorithm>

namespace martlet::topic {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): clearing 4 KiB would cost more than most matches.
LevelWalk::LevelWalk(std::string_view text, std::uint64_t seed) : text_(text), seed_(seed) {
  measure();
}

void LevelWalk::measure() {
  if (depth_ < reached_) {
    end_ = levels_[depth_].end;
    return;
  }
  end_ = std::min(text_.find('/', begin_), text_.size());
  if (depth_ < kRemembered) {
    levels_[depth_] = {static_cast<std::uint32_t>(begin_), static_cast<std::uint32_t>(end_), 0};
    reached_ = depth_ + 1;
  }
}

std::uint64_t LevelWalk::hash() const {
  if (depth_ >= kRemembered) return hash_bytes(level(), seed_);
  Level& known = levels_[depth_];
  if (known.hash == 0) known.hash = hash_bytes(level(), seed_);
  return known.hash;
}

void LevelWalk::down() {
  begin_ = end_ + 1;
  ++depth_;
  if (!exhausted()) measure();
}

void LevelWalk::up() {
  --depth_;
  if (depth_ < kRemembered) {
    begin_ = levels_[depth_].begin;
    end_ = levels_[depth_].end;
    return;
  }
  end_ = begin_ - 1;
  begin_ = text_.rfind('/', end_ - 1) + 1;
}

}  // namespace martlet::topic
