// The shape of a filter: how many levels it has, which of them are "+", and whether it ends in "#". Filters of one
// shape can be looked up by hash: of a topic's levels those count that the shape has literally.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace martlet::topic {

// Bits 0-6: levels, a last "#" not counted; bit 7: ends in "#"; bits 8-39: which levels are "+". 0: no wildcard.
using ShapeCode = std::uint64_t;

inline constexpr ShapeCode kLiteralShape = 0;
// Wildcards and more than kShapeLevels levels.
inline constexpr ShapeCode kNoShape = ~ShapeCode{0};
inline constexpr std::size_t kShapeLevels = 32;
// All codes but kNoShape are below this power of two.
inline constexpr unsigned kShapeCodeBits = 40;

struct ShapedFilter {
  ShapeCode shape = kNoShape;
  std::uint64_t hash = 0;  // 0 for kNoShape
};

// Of a legal filter. The hash mixes shape, `seed` and the literal levels with their places.
ShapedFilter shape_filter(std::string_view filter, std::uint64_t seed);

// A topic, ready to be hashed as the filters of any shape that match it are. Allocates nothing.
class ShapedTopic {
 public:
  // `topic` is a legal topic name.
  ShapedTopic(std::string_view topic, std::uint64_t seed);

  // Whether filters of this shape, which has wildcards, can match at all: by the number of levels, and by a '$' that
  // leading wildcards do not match [MQTT-4.7.2-1]. "a/#" matches "a" too.
  bool fits(ShapeCode shape) const;
  // The hash that shape_filter gives a matching filter of this shape. Requires fits(shape).
  std::uint64_t hash(ShapeCode shape) const;
  // The same for filters without wildcards.
  static std::uint64_t literal_hash(std::string_view topic, std::uint64_t seed);

 private:
  std::uint64_t seed_;
  std::size_t count_ = 0;  // levels, those beyond kShapeLevels counted as one
  bool dollar_;
  // Filled as far as the topic has levels.
  std::array<std::uint64_t, kShapeLevels> keys_;
  std::array<std::uint64_t, kShapeLevels + 1> prefixes_;  // exclusive or of the keys before
};

}  // namespace martlet::topic
