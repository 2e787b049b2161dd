// Walks, in the order of the tree, the topics with a value that match a filter. Holds one place per level in the
// filter's and the topic's text instead of a stack, so its depth is bounded by their length alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "topic/level_walk.h"
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
  // The same to just before `topic`.
  void seek_to(std::string_view topic);
  // Goes to the next node, of a topic with a value that matches or not; false at the end. A step takes constant time
  // but for the text of the levels and the order of siblings.
  bool step();
  // The node that step() went to carries a value, and its topic matches the filter.
  bool at_match() const { return (exhausted() || in_hash()) && value() != 0; }
  // Goes to the next match; false at the end.
  bool next();
  // The topic at the cursor after step() or next() was true; valid until the next call.
  std::string_view topic() const { return path_; }
  Handle value() const { return tree_.value(node_); }

 private:
  bool exhausted() const { return level_.exhausted(); }
  bool in_hash() const { return level_.begin() == hash_begin_; }
  bool at_wildcard() const;
  Handle skip_dollar(Handle child) const;
  void enter(Handle child);
  void climb();
  bool descend();
  bool leave();
  bool seek(std::string_view topic);
  bool seek_level(std::string_view level);
  void stop_at(Handle child);

  const TopicTree& tree_;
  std::size_t hash_begin_;  // of a last "#", npos if the filter has none
  bool hide_dollar_;
  Handle node_;
  LevelWalk level_;             // the filter's level for the children of node_; exhausted when used up
  std::size_t below_hash_ = 0;  // levels between node_ and the parent of "#"
  std::string path_;            // topic of node_
  bool arrived_ = false;        // node_ was entered by a seek, and step() has not told yet
  bool skip_below_ = false;     // what lies below node_ is not wanted
  bool done_ = false;
};

}  // namespace martlet::topic
