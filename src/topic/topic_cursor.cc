#include "topic/topic_cursor.h"

#include "topic/levels.h"

namespace martlet::topic {

namespace {

// The first level behind all that start with '$'.
constexpr std::string_view kBehindDollar = "%";

std::size_t find_last_hash(std::string_view filter) {
  return filter.ends_with('#') ? filter.size() - 1 : std::string_view::npos;
}

}  // namespace

TopicCursor::TopicCursor(const TopicTree& tree, std::string_view filter, bool hide_dollar)
    : tree_(tree),
      hash_begin_(find_last_hash(filter)),
      hide_dollar_(hide_dollar),
      node_(tree.root()),
      level_(filter, tree.seed()) {}

bool TopicCursor::at_wildcard() const {
  return in_hash() || level_.level() == "+";
}

// `child` of node_, or the first one that a wildcard here does not hide.
Handle TopicCursor::skip_dollar(Handle child) const {
  if (!hide_dollar_ || node_ != tree_.root() || child == 0 || !tree_.level(child).starts_with('$')) return child;
  return tree_.lower_bound(node_, kBehindDollar);
}

void TopicCursor::enter(Handle child) {
  if (node_ != tree_.root()) path_ += '/';
  path_ += tree_.level(child);
  node_ = child;
  if (in_hash()) {
    ++below_hash_;
  } else {
    level_.down();
  }
}

void TopicCursor::climb() {
  const Handle parent = tree_.parent(node_);
  path_.resize(path_.size() - tree_.level(node_).size() - (parent == tree_.root() ? 0 : 1));
  node_ = parent;
  if (below_hash_ != 0) {
    --below_hash_;
    return;
  }
  level_.up();
}

// Goes to the first wanted child, if there is one.
bool TopicCursor::descend() {
  if (exhausted()) return false;
  const Handle child =
      at_wildcard() ? skip_dollar(tree_.first_child(node_)) : tree_.child(node_, level_.level(), level_.hash());
  if (child == 0) return false;
  enter(child);
  return true;
}

// Goes to the first wanted node behind everything below node_.
bool TopicCursor::leave() {
  while (node_ != tree_.root()) {
    const Handle left = node_;
    climb();
    if (!at_wildcard()) continue;
    if (const Handle sibling = skip_dollar(tree_.next_sibling(left))) {
      enter(sibling);
      return true;
    }
  }
  return false;
}

bool TopicCursor::step() {
  if (done_) return false;
  if (arrived_) {
    arrived_ = false;
    return true;
  }
  const bool below = !skip_below_ && descend();
  skip_below_ = false;
  done_ = !below && !leave();
  return !done_;
}

bool TopicCursor::next() {
  while (step()) {
    if (at_match()) return true;
  }
  return false;
}

void TopicCursor::seek_behind(std::string_view topic) {
  seek(topic);
}

void TopicCursor::seek_to(std::string_view topic) {
  if (seek(topic)) arrived_ = true;
}

// True if the cursor went down to the node of `topic`; else its next step is known.
bool TopicCursor::seek(std::string_view topic) {
  for (const std::string_view level : Levels(topic)) {
    if (!seek_level(level)) return false;
  }
  return true;
}

// Goes on from `child`, or, if it is 0, behind everything below node_.
void TopicCursor::stop_at(Handle child) {
  if (child == 0) {
    skip_below_ = true;
    return;
  }
  enter(child);
  arrived_ = true;
}

// node_ is a part of the sought topic, `level` the topic's next one. True if the cursor went down to it; else the
// cursor's next step is known.
bool TopicCursor::seek_level(std::string_view level) {
  if (exhausted()) {
    stop_at(0);
    return false;
  }
  if (!at_wildcard()) {
    const std::string_view wanted = level_.level();
    const Handle child = wanted < level ? 0 : tree_.child(node_, wanted, level_.hash());
    if (child == 0 || wanted != level) {
      stop_at(child);
      return false;
    }
    enter(child);
    return true;
  }
  const Handle child = tree_.lower_bound(node_, level);
  const Handle wanted = skip_dollar(child);
  if (wanted == 0 || tree_.level(wanted) != level) {
    stop_at(wanted);
    return false;
  }
  enter(wanted);
  return true;
}

}  // namespace martlet::topic
