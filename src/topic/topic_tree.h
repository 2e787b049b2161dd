// A tree of topic names, one node a level, that keeps siblings in order: a hash table finds a child, a treap over the
// siblings finds the next one. The order of topics is level by level, bytes within a level, a topic before those below
// it. Values are handles that the caller gives a meaning to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "topic/cell_pool.h"
#include "topic/handle_table.h"

namespace martlet::topic {

class TopicTree {
 public:
  // `seed` keeps strangers from choosing names that collide or unbalance the treaps.
  explicit TopicTree(std::uint64_t seed);

  // Cells for nodes; the caller keeps its values here too.
  CellPool& pool() { return pool_; }
  const CellPool& pool() const { return pool_; }

  // The node of `topic`, 0 if there is none. It may carry no value.
  Handle find(std::string_view topic) const;
  // The node of `topic`, made with its ancestors if need be.
  Handle add(std::string_view topic);
  Handle value(Handle node) const { return at(node).value; }
  void set_value(Handle node, Handle value) { at(node).value = value; }
  // Frees `node` and its ancestors as far as they have neither value nor child.
  void prune(Handle node);

  Handle root() const { return root_; }
  // 0 for the root.
  Handle parent(Handle node) const { return at(node).parent; }
  std::string_view level(Handle node) const;
  Handle child(Handle parent, std::string_view level) const;
  Handle first_child(Handle parent) const;
  // The first child whose level is not before `level`, 0 if none.
  Handle lower_bound(Handle parent, std::string_view level) const;
  // The next child of the same parent, 0 if none.
  Handle next_sibling(Handle node) const;

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
  std::uint32_t edge_hash(Handle parent, std::string_view level) const;
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
};

}  // namespace martlet::topic
