#include "topic/subscription_index.h"

#include <algorithm>
#include <new>

#include "base/hash.h"
#include "topic/filter.h"
#include "topic/levels.h"

namespace martlet::topic {

namespace {

constexpr std::string_view kHash = "#";
constexpr std::string_view kPlus = "+";
// A subscriber's part in a set that has just doubled: itself and the slots of the table over the subscribers, twice.
constexpr std::size_t kSubscriberCostBytes = 2 * (sizeof(Subscription) + 2 * sizeof(std::uint32_t));
// More than the cells of any one filter take: 65,535 bytes are 65,536 cells of 24 bytes, 57 sizes of them, 32 large
// ones.
constexpr std::size_t kSlabsOfOneFilter = 512;

// A filter's handle is that of its cell, plus in which way the filter is the cell's: a whole text, a level at which
// filters end, or one with "#" behind. The cells have at least as many units as there are ways, so it names no other
// cell's.
constexpr Handle kWholeText = 0;
constexpr Handle kEndsHere = 1;
constexpr Handle kHashBehind = 2;
constexpr std::size_t kUnitBytes = 8;

}  // namespace

// A filter without wildcards; its text follows the header.
struct SubscriptionIndex::Exact {
  SubscriberSet subscribers;
  std::uint32_t text_bytes = 0;

  char* text() { return reinterpret_cast<char*>(this + 1); }
  std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), text_bytes}; }
};

// One level of filters with wildcards; the level's text follows the last member, not its padding. A last "#" is no node
// of its own but a set of subscribers that belongs to the level before it.
struct SubscriptionIndex::Node {
  static constexpr std::size_t kBytes = 5 * sizeof(std::uint32_t) + sizeof(std::uint16_t);  // without padding

  Handle parent = 0;
  Handle plus = 0;      // child node "+"
  Handle own_set = 0;   // SubscriberSet of the filter that ends here
  Handle hash_set = 0;  // SubscriberSet of the filter that ends in "#" below this node
  std::uint32_t literal_children = 0;
  std::uint16_t level_bytes = 0;

  static std::size_t cell_bytes(std::string_view level) {
    return kBytes + std::max(level.size(), sizeof(Node) - kBytes);
  }
  bool needless() const { return own_set == 0 && plus == 0 && hash_set == 0 && literal_children == 0; }
  char* text() { return reinterpret_cast<char*>(this) + kBytes; }
  std::string_view level() const { return {reinterpret_cast<const char*>(this) + kBytes, level_bytes}; }
};

SubscriptionIndex::SubscriptionIndex(std::uint64_t seed, std::size_t capacity_bytes)
    : seed_(seed), capacity_bytes_(capacity_bytes), root_(make_node(0, {})) {}

SubscriptionIndex::~SubscriptionIndex() {
  exact_.for_each([this](Handle handle) { exact_at(handle).subscribers.destroy(set_bytes_); });
  const auto destroy_node = [this](Handle handle) {
    // "+" nodes are not in the table of edges: they are reached from their parents.
    for (Handle at = handle; at != 0; at = node_at(at).plus) {
      for (const Handle set : {node_at(at).own_set, node_at(at).hash_set}) {
        if (set != 0) set_at(set).destroy(set_bytes_);
      }
    }
  };
  destroy_node(root_);
  edges_.for_each(destroy_node);
}

AddOutcome SubscriptionIndex::add(std::string_view filter, const Subscription& subscription) {
  if (!has_room(filter) && !find(filter, subscription.subscriber)) return AddOutcome::full;
  const bool wildcard = has_wildcard(filter);
  const AddOutcome outcome = wildcard ? add_wildcard(filter, subscription) : add_exact(filter, subscription);
  if (outcome == AddOutcome::added) ++(wildcard ? trie_subscriptions_ : exact_subscriptions_);
  return outcome;
}

bool SubscriptionIndex::remove(std::string_view filter, SubscriberId subscriber) {
  const bool wildcard = has_wildcard(filter);
  const bool removed = wildcard ? remove_wildcard(filter, subscriber) : remove_exact(filter, subscriber);
  if (removed) --(wildcard ? trie_subscriptions_ : exact_subscriptions_);
  return removed;
}

const Subscription* SubscriptionIndex::find(std::string_view filter, SubscriberId subscriber) const {
  const SubscriberSet* set = has_wildcard(filter) ? find_wildcard(filter) : find_exact(filter);
  return set ? set->find(subscriber) : nullptr;
}

Handle SubscriptionIndex::handle_of(std::string_view filter) const {
  static_assert(sizeof(Exact) >= kHashBehind * kUnitBytes && sizeof(Node) > kHashBehind * kUnitBytes);
  if (!has_wildcard(filter)) return exact_handle(filter, exact_hash(filter));
  const Place place = find_place(filter);
  if (place.node == 0) return 0;
  if (place.hash) return node_at(place.node).hash_set == 0 ? 0 : place.node + kHashBehind;
  return node_at(place.node).own_set == 0 ? 0 : place.node + kEndsHere;
}

std::string SubscriptionIndex::filter_of(Handle handle) const {
  const Handle cell = pool_.start_of(handle);
  if (handle - cell == kWholeText) return std::string(exact_at(cell).view());
  return wildcard_filter_of({cell, handle - cell == kHashBehind});
}

std::string SubscriptionIndex::wildcard_filter_of(const Place& place) const {
  std::size_t bytes = 0;
  for (Handle at = place.node; at != root_; at = node_at(at).parent) bytes += node_at(at).level_bytes + 1u;
  // Each level with a slash before it, from the last to the first, whose slash is cut off.
  std::string filter(bytes, '/');
  for (Handle at = place.node; at != root_; at = node_at(at).parent) {
    const std::string_view level = node_at(at).level();
    bytes -= level.size();
    std::copy(level.begin(), level.end(), filter.begin() + static_cast<std::ptrdiff_t>(bytes));
    --bytes;
  }
  if (place.hash) filter += "/#";
  return filter.substr(1);
}

std::size_t SubscriptionIndex::memory_bytes() const {
  return pool_.memory_bytes() + exact_.memory_bytes() + edges_.memory_bytes() + set_bytes_;
}

bool SubscriptionIndex::has_room(std::string_view filter) const {
  return pool_.slabs_left() >= kSlabsOfOneFilter && memory_bytes() + cost_bytes(filter) <= capacity_bytes_;
}

std::size_t SubscriptionIndex::cost_bytes(std::string_view filter) {
  if (!has_wildcard(filter)) {
    return CellPool::cost_bytes(sizeof(Exact) + filter.size()) + HandleTable::kEntryCostBytes + kSubscriberCostBytes;
  }
  std::size_t bytes = CellPool::cost_bytes(sizeof(SubscriberSet)) + kSubscriberCostBytes;
  for (const std::string_view level : Levels(filter)) {
    if (level == kHash) continue;
    bytes += CellPool::cost_bytes(Node::cell_bytes(level)) + (level == kPlus ? 0 : HandleTable::kEntryCostBytes);
  }
  return bytes;
}

// Filters without wildcards.

std::uint32_t SubscriptionIndex::exact_hash(std::string_view filter) const {
  return static_cast<std::uint32_t>(hash_bytes(filter, seed_));
}

Handle SubscriptionIndex::exact_handle(std::string_view filter, std::uint32_t hash) const {
  return exact_.find(hash, [this, filter](Handle handle) { return exact_at(handle).view() == filter; });
}

const SubscriberSet* SubscriptionIndex::find_exact(std::string_view filter) const {
  const Handle handle = exact_handle(filter, exact_hash(filter));
  return handle ? &exact_at(handle).subscribers : nullptr;
}

AddOutcome SubscriptionIndex::add_exact(std::string_view filter, const Subscription& subscription) {
  const std::uint32_t hash = exact_hash(filter);
  Handle handle = exact_handle(filter, hash);
  if (handle == 0) {
    handle = pool_.allocate(sizeof(Exact) + filter.size());
    Exact* made = ::new (pool_.at(handle)) Exact;
    made->text_bytes = static_cast<std::uint32_t>(filter.size());
    std::copy(filter.begin(), filter.end(), made->text());
    exact_.insert(hash, handle);
  }
  return exact_at(handle).subscribers.add(subscription, set_bytes_);
}

bool SubscriptionIndex::remove_exact(std::string_view filter, SubscriberId subscriber) {
  const std::uint32_t hash = exact_hash(filter);
  const Handle handle = exact_handle(filter, hash);
  if (handle == 0 || !exact_at(handle).subscribers.remove(subscriber, set_bytes_)) return false;
  if (exact_at(handle).subscribers.empty()) {
    exact_.erase(hash, handle);
    pool_.release(handle);
  }
  return true;
}

// Filters with wildcards.

std::uint64_t SubscriptionIndex::level_hash(std::string_view level) const {
  return hash_bytes(level, seed_);
}

Handle SubscriptionIndex::literal_child(Handle parent, std::string_view level, std::uint64_t level_hash) const {
  return edges_.find(edge_hash(parent, level_hash), [this, parent, level](Handle handle) {
    const Node& node = node_at(handle);
    return node.parent == parent && node.level() == level;
  });
}

Handle SubscriptionIndex::child(Handle parent, std::string_view level) const {
  return level == kPlus ? node_at(parent).plus : literal_child(parent, level, level_hash(level));
}

Handle SubscriptionIndex::make_node(Handle parent, std::string_view level) {
  const Handle handle = pool_.allocate(Node::cell_bytes(level));
  Node* made = ::new (pool_.at(handle)) Node;
  made->parent = parent;
  made->level_bytes = static_cast<std::uint16_t>(level.size());
  std::copy(level.begin(), level.end(), made->text());
  return handle;
}

Handle SubscriptionIndex::add_child(Handle parent, std::string_view level) {
  if (const Handle held = child(parent, level)) return held;
  const Handle made = make_node(parent, level);
  if (level == kPlus) {
    node_at(parent).plus = made;
  } else {
    edges_.insert(edge_hash(parent, level_hash(level)), made);
    ++node_at(parent).literal_children;
  }
  return made;
}

SubscriptionIndex::Place SubscriptionIndex::find_place(std::string_view filter) const {
  Place place{root_, false};
  for (const std::string_view level : Levels(filter)) {
    if (level == kHash) {
      place.hash = true;
    } else if ((place.node = child(place.node, level)) == 0) {
      return {};
    }
  }
  return place;
}

Handle& SubscriptionIndex::set_handle(const Place& place) {
  return place.hash ? node_at(place.node).hash_set : node_at(place.node).own_set;
}

const SubscriberSet* SubscriptionIndex::find_wildcard(std::string_view filter) const {
  const Place place = find_place(filter);
  if (place.node == 0) return nullptr;
  const Handle set = place.hash ? node_at(place.node).hash_set : node_at(place.node).own_set;
  return set ? &set_at(set) : nullptr;
}

AddOutcome SubscriptionIndex::add_wildcard(std::string_view filter, const Subscription& subscription) {
  Place place{root_, false};
  for (const std::string_view level : Levels(filter)) {
    if (level == kHash) {
      place.hash = true;
    } else {
      place.node = add_child(place.node, level);
    }
  }
  Handle& set = set_handle(place);
  if (set == 0) {
    set = pool_.allocate(sizeof(SubscriberSet));
    ::new (pool_.at(set)) SubscriberSet;
  }
  return set_at(set).add(subscription, set_bytes_);
}

bool SubscriptionIndex::remove_wildcard(std::string_view filter, SubscriberId subscriber) {
  const Place place = find_place(filter);
  if (place.node == 0) return false;
  Handle& set = set_handle(place);
  if (set == 0 || !set_at(set).remove(subscriber, set_bytes_)) return false;
  if (set_at(set).empty()) {
    pool_.release(set);
    set = 0;
    prune(place.node);
  }
  return true;
}

void SubscriptionIndex::prune(Handle handle) {
  while (handle != root_ && node_at(handle).needless()) {
    const Handle parent = node_at(handle).parent;
    if (node_at(parent).plus == handle) {
      node_at(parent).plus = 0;
    } else {
      edges_.erase(edge_hash(parent, level_hash(node_at(handle).level())), handle);
      --node_at(parent).literal_children;
    }
    pool_.release(handle);
    handle = parent;
  }
}

// Walk.

SubscriptionIndex::Walk::Walk(const SubscriptionIndex& index, std::string_view topic)
    : index_(index), dollar_(topic.starts_with('$')), node_(index.root_), level_(topic, index.seed_) {}

bool SubscriptionIndex::Walk::hides_wildcards() const {
  return dollar_ && node_ == index_.root_;
}

void SubscriptionIndex::Walk::enter(Handle child) {
  level_.down();
  node_ = child;
  step_ = Step::hash;
}

void SubscriptionIndex::Walk::climb() {
  const Handle parent = index_.node_at(node_).parent;
  step_ = index_.node_at(parent).plus == node_ ? Step::up : Step::plus;
  node_ = parent;
  level_.up();
}

const SubscriberSet* SubscriptionIndex::Walk::next() {
  for (;;) {
    const Node& node = index_.node_at(node_);
    switch (step_) {
      case Step::hash:
        step_ = Step::own;
        if (node.hash_set != 0 && !hides_wildcards()) return &index_.set_at(node.hash_set);
        break;
      case Step::own:
        step_ = level_.exhausted() ? Step::up : Step::below;
        if (level_.exhausted() && node.own_set != 0) return &index_.set_at(node.own_set);
        break;
      case Step::below:
        go_below(node);
        break;
      case Step::plus:
        step_ = Step::up;
        if (node.plus == 0 || hides_wildcards()) break;
        --plus_left_;
        enter(node.plus);
        break;
      case Step::up:
        if (plus_left_ == 0) return nullptr;
        climb();
        break;
    }
  }
}

// To the literal child if there is one, which leaves "+" for the way back, else to "+".
void SubscriptionIndex::Walk::go_below(const Node& node) {
  const Handle plus = hides_wildcards() ? 0 : node.plus;
  const Handle literal = node.literal_children == 0 ? 0 : index_.literal_child(node_, level_.level(), level_.hash());
  if (literal != 0) {
    if (plus != 0) ++plus_left_;
    enter(literal);
  } else if (plus != 0) {
    enter(plus);
  } else {
    step_ = Step::up;
  }
}

}  // namespace martlet::topic
