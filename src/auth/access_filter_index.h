// Filters of many rules, in such an order that the first rule for a topic is found without looking at all of them.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "topic/cover.h"
#include "topic/filter.h"
#include "topic/filter_shape.h"

namespace martlet::auth {

// The topic or filter that is asked about, prepared once for all look-ups. The view must outlive it.
class AskedTopic {
 public:
  AskedTopic(std::string_view text, bool is_filter);

  // A name is matched; a filter is covered.
  bool is_within(std::string_view filter) const {
    return is_filter_ ? topic::covers(filter, text_) : topic::matches(filter, text_);
  }
  std::string_view text() const { return text_; }
  std::uint64_t hash(topic::ShapeCode shape) const {
    return shape == topic::kLiteralShape ? topic::ShapedTopic::literal_hash(text_, kSeed) : shaped_.hash(shape);
  }
  bool fits(topic::ShapeCode shape) const { return shape == topic::kLiteralShape || shaped_.fits(shape); }

  // Filters are an operator's, so nobody can choose what collides.
  static constexpr std::uint64_t kSeed = 0x6D6172746C6574;

 private:
  std::string_view text_;
  bool is_filter_;
  topic::ShapedTopic shaped_;
};

class AccessFilterIndex {
 public:
  struct Entry {
    std::uint32_t rule;
    std::string_view filter;
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  // Rules come in their order, several filters of one rule in any. The text must outlive the index. One with
  // placeholders is only ever found by looking at it.
  void add(std::uint32_t rule, std::string_view filter, bool has_placeholder);

  // Lowers `best` to the first rule that has a filter for `asked` and that `accept(rule)` takes; a filter with
  // placeholders is for it if `filled(entry)` says so.
  template <class Accept, class Filled>
  void find_first(const AskedTopic& asked, std::uint32_t& best, const Accept& accept, const Filled& filled) const {
    // A filter that covers another matches it, too, if the other's wildcards are read as levels: one look-up for both.
    for (const topic::ShapeCode shape : shapes_) {
      if (!asked.fits(shape)) continue;
      const auto found = by_hash_.find(asked.hash(shape));
      if (found == by_hash_.end()) continue;
      for (const Entry& entry : found->second) {
        if (entry.rule >= best) break;
        if (!asked.is_within(entry.filter) || !accept(entry.rule)) continue;
        best = entry.rule;
        break;
      }
    }
    for (const Entry& entry : scanned_) {
      if (entry.rule >= best) break;
      if (!filled(entry)) continue;
      best = entry.rule;
      break;
    }
  }

  bool empty() const { return shapes_.empty() && scanned_.empty(); }

 private:
  std::vector<topic::ShapeCode> shapes_;  // that occur
  std::unordered_map<std::uint64_t, std::vector<Entry>> by_hash_;
  std::vector<Entry> scanned_;  // placeholders, and what has too many levels for a shape
};

}  // namespace martlet::auth
