#include "topic/filter_shape.h"

#include <bit>

#include "base/hash.h"
#include "topic/filter.h"
#include "topic/levels.h"

namespace martlet::topic {

namespace {

constexpr unsigned kPlusShift = 8;
constexpr ShapeCode kEndsInHash = 1u << 7;
constexpr ShapeCode kLevelMask = kEndsInHash - 1;

// The keys of a text's levels are joined by exclusive or, so that a shape costs one step per "+" and not per level: the
// level's place is therefore in its key.
std::uint64_t level_key(std::string_view level, std::size_t place, std::uint64_t seed) {
  return hash_bytes(level, seed + (place + 1) * 0x9E3779B97F4A7C15ull);
}

std::uint64_t finish(std::uint64_t joined, ShapeCode shape, std::uint64_t seed) {
  return fold_multiply(joined ^ seed ^ 0x8EBC6AF09C88C6E3ull, (shape * 0xD6E8FEB86659FD93ull) ^ 0x589965CC75374CC3ull);
}

}  // namespace

ShapedFilter shape_filter(std::string_view filter, std::uint64_t seed) {
  if (!has_wildcard(filter)) return {kLiteralShape, ShapedTopic::literal_hash(filter, seed)};
  std::size_t place = 0;
  std::uint64_t joined = 0;
  ShapeCode shape = 0;
  for (const std::string_view level : Levels(filter)) {
    if (level == "#") {
      shape |= kEndsInHash;
      break;
    }
    if (place == kShapeLevels) return {};
    if (level == "+") {
      shape |= ShapeCode{1} << (kPlusShift + place);
    } else {
      joined ^= level_key(level, place, seed);
    }
    ++place;
  }
  shape |= place;
  return {shape, finish(joined, shape, seed)};
}

ShapedTopic::ShapedTopic(std::string_view topic, std::uint64_t seed) : seed_(seed), dollar_(topic.starts_with('$')) {
  prefixes_[0] = 0;
  for (const std::string_view level : Levels(topic)) {
    if (count_ == kShapeLevels) {
      ++count_;
      break;
    }
    keys_[count_] = level_key(level, count_, seed);
    prefixes_[count_ + 1] = prefixes_[count_] ^ keys_[count_];
    ++count_;
  }
}

bool ShapedTopic::fits(ShapeCode shape) const {
  const std::size_t levels = shape & kLevelMask;
  if ((shape & kEndsInHash) != 0 ? levels > count_ : levels != count_) return false;
  return !dollar_ || (levels != 0 && (shape >> kPlusShift & 1) == 0);
}

std::uint64_t ShapedTopic::hash(ShapeCode shape) const {
  std::uint64_t joined = prefixes_[shape & kLevelMask];
  for (std::uint64_t plus = shape >> kPlusShift; plus != 0; plus &= plus - 1) joined ^= keys_[std::countr_zero(plus)];
  return finish(joined, shape, seed_);
}

std::uint64_t ShapedTopic::literal_hash(std::string_view topic, std::uint64_t seed) {
  return hash_bytes(topic, seed);
}

}  // namespace martlet::topic
