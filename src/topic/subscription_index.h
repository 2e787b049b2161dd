// Who subscribed to a topic: filters without wildcards in one hash table, filters with wildcards in a trie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "topic/cell_pool.h"
#include "topic/handle_table.h"
#include "topic/level_walk.h"
#include "topic/subscription.h"

namespace martlet::topic {

// Filters and topics given here are legal (check_filter, check_name); a $share prefix has been taken off. One owner;
// concurrent match calls are fine as long as nobody changes the index.
class SubscriptionIndex {
 public:
  // Half of what the handles reach.
  static constexpr std::size_t kDefaultCapacityBytes = std::size_t{16} << 30;

  // `seed` keeps strangers from choosing filters that collide; take it from env's entropy. What is added is refused
  // before memory_bytes() goes beyond `capacity_bytes` by more than a slab or the doubling of a table.
  explicit SubscriptionIndex(std::uint64_t seed = 0, std::size_t capacity_bytes = kDefaultCapacityBytes);
  ~SubscriptionIndex();
  SubscriptionIndex(const SubscriptionIndex&) = delete;
  SubscriptionIndex& operator=(const SubscriptionIndex&) = delete;

  // Adds, or replaces the subscription of the same subscriber to the same filter [MQTT-3.8.4-3]. `full` if there is no
  // room for a new one; replacing needs none.
  AddOutcome add(std::string_view filter, const Subscription& subscription);
  // False if there was no such subscription.
  bool remove(std::string_view filter, SubscriberId subscriber);
  // Null if there is none. Valid until the next change.
  const Subscription* find(std::string_view filter, SubscriberId subscriber) const;

  // A short name for a filter that somebody subscribes to, 0 for others. It stays the same as long as somebody does,
  // and depends on what was added and removed alone.
  Handle handle_of(std::string_view filter) const;
  // The filter of a handle that handle_of gave and that is still subscribed to.
  std::string filter_of(Handle handle) const;

  // Calls visit(const Subscription&) once per subscription whose filter matches `topic`: a subscriber with several
  // matching filters comes several times, in no particular order. Allocates nothing; the visitor must not change the
  // index. The cost follows what matches, not what is stored.
  template <class Visitor>
  void match(std::string_view topic, Visitor&& visit) const {
    if (const SubscriberSet* exact = find_exact(topic)) visit_set(*exact, visit);
    if (trie_subscriptions_ == 0) return;
    Walk walk(*this, topic);
    while (const SubscriberSet* set = walk.next()) visit_set(*set, visit);
  }

  // Subscriptions held.
  std::size_t size() const { return exact_subscriptions_ + trie_subscriptions_; }
  bool empty() const { return size() == 0; }
  // Heap bytes held.
  std::size_t memory_bytes() const;
  // What one subscription to `filter` takes at most, as if it shared no level with others: to charge a client for it.
  static std::size_t cost_bytes(std::string_view filter);

 private:
  struct Exact;
  struct Node;

  // Visits, depth first, the trie nodes that match a topic. Climbs by the nodes' parents, so it needs no stack.
  class Walk {
   public:
    Walk(const SubscriptionIndex& index, std::string_view topic);
    // The next set of subscriptions with a matching filter, null at the end.
    const SubscriberSet* next();

   private:
    enum class Step : std::uint8_t { hash, own, below, plus, up };
    bool hides_wildcards() const;
    void enter(Handle child);
    void climb();
    void go_below(const Node& node);

    const SubscriptionIndex& index_;
    bool dollar_;  // the topic starts with '$'
    Handle node_;
    LevelWalk level_;              // the level below `node_`
    std::uint32_t plus_left_ = 0;  // ancestors whose "+" is still to be visited
    Step step_ = Step::hash;
  };

  template <class Visitor>
  static void visit_set(const SubscriberSet& set, Visitor& visit) {
    const Subscription* subscriptions = set.data();
    for (std::size_t i = 0, count = set.size(); i < count; ++i) visit(subscriptions[i]);
  }

  // Where a filter's subscribers are: in the set of `node` itself, or in its set of "#".
  struct Place {
    Handle node = 0;  // 0: nowhere
    bool hash = false;
  };

  std::uint32_t exact_hash(std::string_view filter) const;
  const SubscriberSet* find_exact(std::string_view filter) const;
  Handle exact_handle(std::string_view filter, std::uint32_t hash) const;
  AddOutcome add_exact(std::string_view filter, const Subscription& subscription);
  bool remove_exact(std::string_view filter, SubscriberId subscriber);

  bool has_room(std::string_view filter) const;
  std::uint64_t level_hash(std::string_view level) const;
  Handle literal_child(Handle parent, std::string_view level, std::uint64_t level_hash) const;
  Handle child(Handle parent, std::string_view level) const;
  Handle add_child(Handle parent, std::string_view level);
  Handle make_node(Handle parent, std::string_view level);
  Place find_place(std::string_view filter) const;
  // The handle of the set there, 0 if there is none.
  Handle& set_handle(const Place& place);
  const SubscriberSet* find_wildcard(std::string_view filter) const;
  std::string wildcard_filter_of(const Place& place) const;
  AddOutcome add_wildcard(std::string_view filter, const Subscription& subscription);
  bool remove_wildcard(std::string_view filter, SubscriberId subscriber);
  // Frees `node` and its ancestors as far as nothing needs them.
  void prune(Handle node);

  Exact& exact_at(Handle handle) { return *reinterpret_cast<Exact*>(pool_.at(handle)); }
  const Exact& exact_at(Handle handle) const { return *reinterpret_cast<const Exact*>(pool_.at(handle)); }
  Node& node_at(Handle handle) { return *reinterpret_cast<Node*>(pool_.at(handle)); }
  const Node& node_at(Handle handle) const { return *reinterpret_cast<const Node*>(pool_.at(handle)); }
  SubscriberSet& set_at(Handle handle) { return *reinterpret_cast<SubscriberSet*>(pool_.at(handle)); }
  const SubscriberSet& set_at(Handle handle) const { return *reinterpret_cast<const SubscriberSet*>(pool_.at(handle)); }

  std::uint64_t seed_;
  std::size_t capacity_bytes_;
  CellPool pool_;
  HandleTable exact_;  // whole filter -> Exact
  HandleTable edges_;  // (parent, literal level) -> Node
  Handle root_;
  std::size_t exact_subscriptions_ = 0;
  std::size_t trie_subscriptions_ = 0;
  std::size_t set_bytes_ = 0;  // heap blocks of the subscriber sets
};

}  // namespace martlet::topic
