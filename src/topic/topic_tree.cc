#include "topic/topic_tree.h"

#include <algorithm>
#include <cstddef>
#include <new>

#include "base/hash.h"
#include "topic/levels.h"

namespace martlet::topic {

TopicTree::TopicTree(std::uint64_t seed) : seed_(seed), root_(make_node(0, {}, 0)) {}

char* TopicTree::text(Handle node) {
  // Behind the last member, not behind its padding.
  return reinterpret_cast<char*>(pool_.at(node)) + kNodeBytes;
}

std::string_view TopicTree::level(Handle node) const {
  return {reinterpret_cast<const char*>(pool_.at(node)) + kNodeBytes, at(node).level_bytes};
}

std::size_t TopicTree::cell_bytes(std::string_view level) {
  return kNodeBytes + std::max(level.size(), sizeof(Node) - kNodeBytes);
}

std::size_t TopicTree::cost_bytes(std::string_view level) {
  return CellPool::cost_bytes(cell_bytes(level)) + HandleTable::kEntryCostBytes;
}

Handle TopicTree::child_with_hash(Handle parent, std::string_view wanted, std::uint32_t hash) const {
  return edges_.find(
      hash, [this, parent, wanted](Handle node) { return at(node).parent == parent && level(node) == wanted; });
}

Handle TopicTree::find(std::string_view topic) const {
  Handle node = root_;
  for (const std::string_view level : Levels(topic)) {
    if ((node = child(node, level)) == 0) return 0;
  }
  return node;
}

Handle TopicTree::add(std::string_view topic) {
  Handle node = root_;
  for (const std::string_view level : Levels(topic)) {
    const std::uint32_t hash = edge_hash(node, level_hash(level));
    Handle next = child_with_hash(node, level, hash);
    if (next == 0) {
      next = make_node(node, level, hash);
      edges_.insert(hash, next);
      attach(next);
      used_bytes_ += cost_bytes(level);
    }
    node = next;
  }
  return node;
}

std::size_t TopicTree::growth_bytes(std::string_view topic) const {
  Handle node = root_;
  std::size_t bytes = 0;
  for (const std::string_view level : Levels(topic)) {
    if (node != 0) node = child(node, level);
    if (node == 0) bytes += cost_bytes(level);
  }
  return bytes;
}

Handle TopicTree::make_node(Handle parent, std::string_view level, std::uint32_t hash) {
  const Handle handle = pool_.allocate(cell_bytes(level));
  Node* made = ::new (pool_.at(handle)) Node;
  made->parent = parent;
  made->hash = hash;
  made->level_bytes = static_cast<std::uint16_t>(level.size());
  std::copy(level.begin(), level.end(), text(handle));
  return handle;
}

void TopicTree::prune(Handle node) {
  while (node != root_ && at(node).value == 0 && at(node).children == 0) {
    const Handle parent = at(node).parent;
    used_bytes_ -= cost_bytes(level(node));
    detach(node);
    edges_.erase(at(node).hash, node);
    pool_.release(node);
    node = parent;
  }
}

// Order of siblings.

Handle TopicTree::leftmost(Handle node) const {
  while (node != 0 && at(node).left != 0) node = at(node).left;
  return node;
}

Handle TopicTree::first_child(Handle parent) const {
  return leftmost(at(parent).children);
}

Handle TopicTree::lower_bound(Handle parent, std::string_view wanted) const {
  Handle best = 0;
  for (Handle node = at(parent).children; node != 0;) {
    if (level(node) < wanted) {
      node = at(node).right;
    } else {
      best = node;
      node = at(node).left;
    }
  }
  return best;
}

Handle TopicTree::next_sibling(Handle node) const {
  if (at(node).right != 0) return leftmost(at(node).right);
  Handle up = at(node).up;
  while (up != 0 && at(up).right == node) {
    node = up;
    up = at(node).up;
  }
  return up;
}

void TopicTree::replace_in_treap(Handle node, Handle replacement) {
  const Handle up = at(node).up;
  if (up == 0) {
    at(at(node).parent).children = replacement;
  } else if (at(up).left == node) {
    at(up).left = replacement;
  } else {
    at(up).right = replacement;
  }
  if (replacement != 0) at(replacement).up = up;
}

void TopicTree::rotate_up(Handle handle) {
  const Handle above = at(handle).up;
  replace_in_treap(above, handle);
  Node& node = at(handle);
  Node& upper = at(above);
  Handle moved = 0;
  if (upper.left == handle) {
    moved = node.right;
    upper.left = moved;
    node.right = above;
  } else {
    moved = node.left;
    upper.right = moved;
    node.left = above;
  }
  upper.up = handle;
  if (moved != 0) at(moved).up = above;
}

void TopicTree::attach(Handle node) {
  const std::string_view wanted = level(node);
  Handle up = 0;
  Handle* link = &at(at(node).parent).children;
  while (*link != 0) {
    up = *link;
    link = level(up) < wanted ? &at(up).right : &at(up).left;
  }
  *link = node;
  at(node).up = up;
  while (at(node).up != 0 && at(at(node).up).hash < at(node).hash) rotate_up(node);
}

void TopicTree::detach(Handle node) {
  while (at(node).left != 0 && at(node).right != 0) {
    const Handle left = at(node).left;
    const Handle right = at(node).right;
    rotate_up(at(left).hash > at(right).hash ? left : right);
  }
  replace_in_treap(node, at(node).left != 0 ? at(node).left : at(node).right);
}

}  // namespace martlet::topic
