// Which cores may have a subscriber of a topic: each tells of its own subscriptions, all ask at each PUBLISH.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "topic/filter_shape.h"
#include "topic/shared_hash_set.h"

namespace martlet::topic {

// A question costs one look-up per core for the topic itself, and one for each core and shape of filters with wildcards
// that is in use and fits the topic, however many subscriptions there are. Questions neither lock nor allocate nor
// wait. There is room for kMostShapes shapes at a time; a core with filters of further ones, or of more than
// kShapeLevels levels with a wildcard, is told every message.
class InterestTable {
 public:
  static constexpr std::uint32_t kMostCores = 64;
  // Shapes with wildcards.
  static constexpr std::size_t kMostShapes = 64;

  // `seed` keeps strangers from choosing filters that collide; take it from env's entropy. 1 <= cores <= kMostCores.
  // With one core there is nothing to tell: the answer is always that core, and subscriptions cost nothing here.
  InterestTable(std::uint64_t seed, std::uint32_t cores);
  InterestTable(const InterestTable&) = delete;
  InterestTable& operator=(const InterestTable&) = delete;
  ~InterestTable();

  // Once per subscription of a session of `core` (below `cores`), by that core's thread. `filter` is legal and without
  // $share prefix. Counted: two sessions with one filter are two.
  void add(std::uint32_t core, std::string_view filter);
  // Takes back one add() of the same core and filter.
  void remove(std::uint32_t core, std::string_view filter);

  // Any thread. Bit c is set if core c may have a subscription that matches `topic` [4.7]. None is missed whose add()
  // returned before, whatever tells the caller so: a message from that core's thread, or its SUBACK that the network
  // brought. Now and then a bit is set for nothing.
  std::uint64_t cores_for(std::string_view topic) const;

  // Heap bytes of what `core` has added; that core's thread.
  std::size_t memory_bytes(std::uint32_t core) const;

 private:
  // One shape in use. `users` is the shape's code with the number of cores that use it above; 0: free. A core's bit is
  // set only while the core is one of the users, so where a reader sees the bit, the code is right.
  struct Slot {
    std::atomic<std::uint64_t> users{0};
    std::atomic<std::uint64_t> cores{0};
  };
  // What a core knows of a shape that it has filters of. It stays where it is put until the last of them goes.
  struct Use {
    std::uint32_t slot = 0;
    std::uint64_t filters = 0;
  };
  struct Side;

  std::uint32_t claim(std::uint32_t core, ShapeCode shape);
  bool join(std::uint32_t core, std::uint32_t slot, ShapeCode shape, bool free_slot);
  void give_back(std::uint32_t core, std::uint32_t slot);
  std::uint64_t ask(std::uint64_t hash, std::uint64_t cores) const;

  std::uint64_t seed_;
  std::uint32_t cores_;
  std::unique_ptr<Side[]> sides_;                  // by core
  std::array<Slot, 1 + kMostShapes> slots_;        // the first is the literal shape's for ever
  std::atomic<std::uint32_t> slots_used_{1};       // those behind were never used
  std::atomic<std::uint64_t> told_everything_{0};  // cores with filters that have no slot
};

}  // namespace martlet::topic
