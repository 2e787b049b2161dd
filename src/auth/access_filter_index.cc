#include "auth/access_filter_index.h"

#include <algorithm>

namespace martlet::auth {

AskedTopic::AskedTopic(std::string_view text, bool is_filter)
    : text_(text), is_filter_(is_filter), shaped_(text, kSeed) {}

void AccessFilterIndex::add(std::uint32_t rule, std::string_view filter, bool has_placeholder) {
  const Entry entry{rule, filter};
  const topic::ShapedFilter shaped = topic::shape_filter(filter, AskedTopic::kSeed);
  if (has_placeholder || shaped.shape == topic::kNoShape) return scanned_.push_back(entry);
  if (std::ranges::find(shapes_, shaped.shape) == shapes_.end()) shapes_.push_back(shaped.shape);
  by_hash_[shaped.hash].push_back(entry);
}

}  // namespace martlet::auth
