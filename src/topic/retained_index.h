// Values by topic name (retained messages) with wildcard lookup in a fixed order that can stop and go on later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "topic/topic_cursor.h"
#include "topic/topic_tree.h"

namespace martlet::topic {

// How a visit in parts ended for now.
enum class Visit : std::uint8_t { done, stopped_by_visitor, out_of_budget };

// Topics and filters given here are legal (check_name, check_filter). One owner, no locking.
template <class Value>
class RetainedIndex {
  static_assert(alignof(Value) <= 8);

 public:
  // Half of what the handles reach.
  static constexpr std::size_t kDefaultCapacityBytes = std::size_t{16} << 30;

  // `seed` keeps strangers from choosing topics that collide; take it from env's entropy. `capacity_bytes` is what
  // has_room keeps memory_bytes() within, but for a slab or the doubling of a table.
  explicit RetainedIndex(std::uint64_t seed = 0, std::size_t capacity_bytes = kDefaultCapacityBytes)
      : tree_(seed), capacity_bytes_(capacity_bytes) {}
  RetainedIndex(const RetainedIndex&) = delete;
  RetainedIndex& operator=(const RetainedIndex&) = delete;
  ~RetainedIndex() {
    if constexpr (!std::is_trivially_destructible_v<Value>) {
      TopicCursor cursor(tree_, "#", false);
      while (cursor.next()) std::destroy_at(&value_at(cursor.value()));
    }
  }

  // By how much put(topic) would raise used_bytes(): 0 if it replaces.
  std::size_t growth_bytes(std::string_view topic) const {
    return find(topic) ? 0 : tree_.growth_bytes(topic) + CellPool::cost_bytes(sizeof(Value));
  }
  // True if put(topic) may be called: there is room, or it replaces. `growth_bytes` is growth_bytes(topic).
  bool has_room(std::size_t growth_bytes) const {
    if (growth_bytes == 0) return true;
    return tree_.pool().slabs_left() > TopicTree::kSlabsOfOneTopic && memory_bytes() + growth_bytes <= capacity_bytes_;
  }

  // Stores `value` under `topic`; returns the value that it replaces. Requires has_room(growth_bytes(topic)).
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
  // What the entries take, without what the values own and without cells that are free for new ones.
  std::size_t used_bytes() const { return tree_.used_bytes() + size_ * CellPool::cost_bytes(sizeof(Value)); }
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
  // A visit in parts of bounded work. Goes on from `position` (empty: the start), calling visit(topic, value) -> bool
  // as above, and takes one off `budget_steps` for each node of the tree that it enters, whether or not anything
  // matches there. `out_of_budget`: the budget is used up. `stopped_by_visitor`: the visitor returned false for a
  // topic, which comes again first. In both cases `position` is where the next call has to go on, on the same index and
  // filter, in spite of changes meanwhile: it is no topic and of no use elsewhere. With a budget of at least one each
  // call gets further. Finding the position costs its number of levels, besides the budget.
  template <class Visitor>
  Visit visit_some(std::string_view filter, std::string& position, std::size_t& budget_steps, Visitor&& visitor) const {
    TopicCursor cursor(tree_, filter, true);
    if (!position.empty()) {
      const std::string_view topic = std::string_view(position).substr(0, position.size() - 1);
      position.back() == kAt ? cursor.seek_to(topic) : cursor.seek_behind(topic);
    }
    const auto pause = [&](char where) { position.assign(cursor.topic()).push_back(where); };
    while (budget_steps > 0) {
      if (!cursor.step()) return Visit::done;
      --budget_steps;
      if (cursor.at_match() && !visitor(cursor.topic(), value_at(cursor.value()))) {
        pause(kAt);
        return Visit::stopped_by_visitor;
      }
      if (budget_steps == 0) pause(kBehind);
    }
    return Visit::out_of_budget;
  }
  // The same for every entry, topics with a leading '$' included.
  template <class Visitor>
  bool visit_all(std::string_view after_topic, Visitor&& visitor) const {
    return run("#", false, after_topic, visitor);
  }

 private:
  // Ends of a position, behind a topic: to go on at it or behind it. Topics may end in the same characters, so a
  // position always has one of them more.
  static constexpr char kAt = '=';
  static constexpr char kBehind = '>';

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
  std::size_t capacity_bytes_;
  std::size_t size_ = 0;
};

}  // namespace martlet::topic
