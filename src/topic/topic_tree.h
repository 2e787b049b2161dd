// A tree of topic names, one node a level, that keeps siblings in order: a hash table finds a child, a treap over the
// siblings finds the next one. The order of topics is level by level, bytes within a level, a topic before those below
// it. Values are handles that the caller gives a meaning to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "topic/cell_pool.h"
#include "topic/handle_table.h"
#include "topic/level_walk.h"

namespace martlet::topic {

class TopicTree {
 public:
  // More than the cells of any one topic take: 65,535 bytes are 65,536 cells of 32 bytes, 57 sizes of them, 32 large
  // ones.
  static constexpr std::size_t kSlabsOfOneTopic = 512;

  // `seed` keeps strangers from choosing names that collide or unbalance the treaps.
  explicit TopicTree(std::uint64_t seed);

  // Cells for nodes; the caller keeps its values here too.
  CellPool& pool() { return pool_; }
  const CellPool& pool() const { return pool_; }

  // The node of `topic`, 0 if there is none. It may carry no value.
  Handle find(std::string_view topic) const;
  // The node of `topic`, made with its ancestors if need be. Requires pool().slabs_left() >= kSlabsOfOneTopic.
  Handle add(std::string_view topic);
  Handle value(Handle node) const { return at(node).value; }
  void set_value(Handle node, Handle value) { at(node).value = value; }
  // Frees `node` and its ancestors as far as they have neither value nor child.
  void prune(Handle node);

  Handle root() const { return root_; }
  // 0 for the root.
  Handle parent(Handle node) const { return at(node).parent; }
  std::string_view level(Handle node) const;
  Handle child(Handle parent, std::string_view level) const { return child(parent, level, level_hash(level)); }
  // `level_hash` is level_hash(level), for who asks for one level again and again.
  Handle child(Handle parent, std::string_view level, std::uint64_t level_hash) const {
    return child_with_hash(parent, level, edge_hash(parent, level_hash));
  }
  std::uint64_t level_hash(std::string_view level) const { return hash_bytes(level, seed_); }
  std::uint64_t seed() const { return seed_; }
  Handle first_child(Handle parent) const;
  // The first child whose level is not before `level`, 0 if none.
  Handle lower_bound(Handle parent, std::string_view level) const;
  // The next child of the same parent, 0 if none.
  Handle next_sibling(Handle node) const;

  // What the nodes in use take, the root apart; and by how much add(topic) would raise that.
  std::size_t used_bytes() const { return used_bytes_; }
  std::size_t growth_bytes(std::string_view topic) const;
  std::size_t memory_bytes() const { return pool_.memory_bytes() + edges_.memory_bytes(); }

 private:
  struct Node {
    Handle parent = 0;
    Handle children = 0;  // root of the treap of children
    Handle value = 0;
    // Treap of siblings, a heap by `hash`; `up` is 0 at its root.
    Handle left = 0;
    Handle right = 0;
    Handle up = 0;
    std::uint32_t hash = 0;
    std::uint16_t level_bytes = 0;  // the level's text follows
  };

  static constexpr std::size_t kNodeBytes = 7 * sizeof(std::uint32_t) + sizeof(std::uint16_t);  // without padding

  Node& at(Handle node) { return *reinterpret_cast<Node*>(pool_.at(node)); }
  const Node& at(Handle node) const { return *reinterpret_cast<const Node*>(pool_.at(node)); }

  char* text(Handle node);
  Handle leftmost(Handle node) const;
  static std::size_t cell_bytes(std::string_view level);
  static std::size_t cost_bytes(std::string_view level);
  Handle child_with_hash(Handle parent, std::string_view level, std::uint32_t hash) const;
  Handle make_node(Handle parent, std::string_view level, std::uint32_t hash);
  void attach(Handle node);
  void detach(Handle node);
  void rotate_up(Handle node);
  void replace_in_treap(Handle node, Handle replacement);

  std::uint64_t seed_;
  CellPool pool_;
  HandleTable edges_;  // (parent, level) -> node
  Handle root_;
  std::size_t used_bytes_ = 0;
};

}  // namespace martlet::topic
