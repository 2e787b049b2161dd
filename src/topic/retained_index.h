// Values by topic name (retained messages) with wildcard lookup in a fixed order that can stop and go on later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "topic/topic_cursor.h"
#include "topic/topic_tree.h"

namespace martlet::topic {

// Topics and filters given here are legal (check_name, check_filter). One owner, no locking.
template <class Value>
class RetainedIndex {
  static_assert(alignof(Value) <= 8);

 public:
  // `seed` keeps strangers from choosing topics that collide; take it from env's entropy.
  explicit RetainedIndex(std::uint64_t seed = 0) : tree_(seed) {}
  RetainedIndex(const RetainedIndex&) = delete;
  RetainedIndex& operator=(const RetainedIndex&) = delete;
  ~RetainedIndex() {
    if constexpr (!std::is_trivially_destructible_v<Value>) {
      TopicCursor cursor(tree_, "#", false);
      while (cursor.next()) std::destroy_at(&value_at(cursor.value()));
    }
  }

  // Stores `value` under `topic`; returns the value that it replaces.
  std::optional<Value> put(std::string_view topic, Value value) {
    const Handle node = tree_.add(topic);
    if (const Handle held = tree_.value(node)) return std::exchange(value_at(held), std::move(value));
    const Handle cell = tree_.pool().allocate(sizeof(Value));
    ::new (tree_.pool().at(cell)) Value(std::move(value));
    tree_.set_value(node, cell);
    ++size_;
    return std::nullopt;
  }

  // Takes out the value of `topic`, if there is one, and returns it.
  std::optional<Value> erase(std::string_view topic) {
    const Handle node = tree_.find(topic);
    const Handle cell = node ? tree_.value(node) : 0;
    if (!cell) return std::nullopt;
    std::optional<Value> old(std::move(value_at(cell)));
    std::destroy_at(&value_at(cell));
    tree_.set_value(node, 0);
    tree_.pool().release(cell);
    tree_.prune(node);
    --size_;
    return old;
  }

  // Null if `topic` has no value. Values do not move: valid until this topic is erased.
  Value* find(std::string_view topic) { return const_cast<Value*>(std::as_const(*this).find(topic)); }
  const Value* find(std::string_view topic) const {
    const Handle node = tree_.find(topic);
    const Handle cell = node ? tree_.value(node) : 0;
    return cell ? &value_at(cell) : nullptr;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Heap bytes held, without what the values own.
  std::size_t memory_bytes() const { return tree_.memory_bytes(); }

  // Calls visit(topic, value) -> bool for each entry that `filter` matches and that lies behind `after_topic` in the
  // order of topics (level by level, bytes within a level, a topic before those below it), in that order, until the
  // visitor returns false. Returns true if all were visited. `after_topic` need not exist (any more), so a visit goes
  // on across changes from the last topic seen; empty means from the start. A leading wildcard does not match topics
  // that start with '$' [MQTT-4.7.2-1]. The visitor must not change the index; the topic's text lives for its call.
  template <class Visitor>
  bool visit(std::string_view filter, std::string_view after_topic, Visitor&& visitor) const {
    return run(filter, true, after_topic, visitor);
  }
  template <class Visitor>
  bool visit(std::string_view filter, Visitor&& visitor) const {
    return run(filter, true, {}, visitor);
  }
  // The same for every entry, topics with a leading '$' included.
  template <class Visitor>
  bool visit_all(std::string_view after_topic, Visitor&& visitor) const {
    return run("#", false, after_topic, visitor);
  }

 private:
  template <class Visitor>
  bool run(std::string_view filter, bool hide_dollar, std::string_view after_topic, Visitor& visitor) const {
    TopicCursor cursor(tree_, filter, hide_dollar);
    if (!after_topic.empty()) cursor.seek_behind(after_topic);
    while (cursor.next()) {
      if (!visitor(cursor.topic(), value_at(cursor.value()))) return false;
    }
    return true;
  }

  Value& value_at(Handle cell) { return *std::launder(reinterpret_cast<Value*>(tree_.pool().at(cell))); }
  const Value& value_at(Handle cell) const {
    return *std::launder(reinterpret_cast<const Value*>(tree_.pool().at(cell)));
  }

  TopicTree tree_;
  std::size_t size_ = 0;
};

}  // namespace martlet::topic
