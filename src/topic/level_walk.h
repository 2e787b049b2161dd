// Down and up the levels of a topic or filter, as a walk through a tree needs it: each level is measured and hashed
// once, however often the walk comes by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "topic/cell_pool.h"

namespace martlet::topic {

// The hash of a level below `parent`, from the level's own hash.
inline std::uint32_t edge_hash(Handle parent, std::uint64_t level_hash) {
  return static_cast<std::uint32_t>(
      fold_multiply(level_hash ^ (parent * 0x9E3779B97F4A7C15ull), 0xD6E8FEB86659FD93ull));
}

// Stands at one level of `text`, which outlives it, or past the last one. Allocates nothing: what it knows of the first
// kRemembered levels lies inside, and those below them are measured again each time.
class LevelWalk {
 public:
  static constexpr std::size_t kRemembered = 256;

  // At the first level. `seed` is the tree's, for hash().
  LevelWalk(std::string_view text, std::uint64_t seed);

  // Past the last level.
  bool exhausted() const { return begin_ > text_.size(); }
  // Where the level begins in the text; past its end if exhausted.
  std::size_t begin() const { return begin_; }
  // These two and down() only if not exhausted.
  std::string_view level() const { return text_.substr(begin_, end_ - begin_); }
  std::uint64_t hash() const;
  void down();
  // Only if not at the first level.
  void up();

 private:
  // Left uninitialised until the walk reaches the level; texts are at most 65,535 bytes [MQTT-1.5.4].
  struct Level {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint64_t hash;  // 0: not hashed yet
  };

  void measure();

  std::string_view text_;
  std::uint64_t seed_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t depth_ = 0;
  std::size_t reached_ = 0;  // levels measured so far
  mutable std::array<Level, kRemembered> levels_;
};

}  // namespace martlet::topic
