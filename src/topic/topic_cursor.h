// Walks, in the order of the tree, the topics with a value that match a filter. Holds one place per level in the
// filter's and the topic's text instead of a stack, so its depth is bounded by their length alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "topic/topic_tree.h"

namespace martlet::topic {

// The tree must not change while a cursor is in use; `filter` outlives it.
class TopicCursor {
 public:
  // Before the first topic. `hide_dollar`: a leading wildcard does not match topics that start with '$'
  // [MQTT-4.7.2-1].
  TopicCursor(const TopicTree& tree, std::string_view filter, bool hide_dollar);

  // Moves a cursor that is before the first topic to just behind `topic`, which need not exist.
  void seek_behind(std::string_view topic);
  // Goes to the next topic; false at the end.
  bool next();
  // The topic at the cursor after next() was true; valid until the next call.
  std::string_view topic() const { return path_; }
  Handle value() const { return tree_.value(node_); }

 private:
  bool exhausted() const { return level_begin_ > filter_.size(); }
  bool in_hash() const { return level_begin_ == hash_begin_; }
  bool at_wildcard() const;
  std::string_view filter_level() const;
  Handle skip_dollar(Handle child) const;
  void enter(Handle child);
  void climb();
  bool descend();
  bool leave();
  bool seek_level(std::string_view level);
  void stop_at(Handle child);

  const TopicTree& tree_;
  std::string_view filter_;
  std::size_t hash_begin_;  // of a last "#", npos if the filter has none
  bool hide_dollar_;
  Handle node_;
  std::size_t level_begin_ = 0;  // of the filter's level for the children of node_; past the end when used up
  std::size_t below_hash_ = 0;   // levels between node_ and the parent of "#"
  std::string path_;             // topic of node_
  bool arrived_ = false;         // node_ was entered and not yet looked at
  bool skip_below_ = false;      // what lies below node_ is not wanted
  bool done_ = false;
};

}  // namespace martlet::topic
