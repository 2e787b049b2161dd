#include "topic/cell_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <vector>

#include "base/random.h"
#include "topic/handle_table.h"

namespace martlet::topic {
namespace {

struct Cell {
  std::size_t bytes;
  unsigned char fill;
};

bool holds_fill(const CellPool& pool, Handle handle, const Cell& cell) {
  const std::byte* at = pool.at(handle);
  for (std::size_t i = 0; i < cell.bytes; ++i) {
    if (at[i] != std::byte{cell.fill}) return false;
  }
  return true;
}

TEST(CellPool, CellsOfAllSizesDoNotOverlap) {
  CellPool pool;
  std::map<Handle, Cell> cells;
  Random random(7);
  const auto take = [&](std::size_t bytes) {
    const Handle handle = pool.allocate(bytes);
    ASSERT_NE(handle, 0u);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(pool.at(handle)) % 8, 0u);
    const Cell cell{bytes, static_cast<unsigned char>(random.next())};
    std::memset(pool.at(handle), cell.fill, bytes);
    ASSERT_TRUE(cells.emplace(handle, cell).second);
  };
  for (std::size_t bytes = 1; bytes <= 2100; ++bytes) take(bytes);
  take(70000);
  for (int round = 0; round < 20000; ++round) {
    if (random.below(2) == 0 && !cells.empty()) {
      auto victim = cells.lower_bound(static_cast<Handle>(random.below(cells.rbegin()->first + 1)));
      ASSERT_TRUE(holds_fill(pool, victim->first, victim->second));
      pool.release(victim->first);
      cells.erase(victim);
    } else {
      take(1 + random.below(random.below(20) == 0 ? 3000 : 100));
    }
  }
  for (const auto& [handle, cell] : cells) EXPECT_TRUE(holds_fill(pool, handle, cell));
}

TEST(CellPool, GivesEmptySlabsBack) {
  CellPool pool;
  const std::size_t before = pool.memory_bytes();
  std::vector<Handle> handles;
  handles.reserve(100000);
  for (int i = 0; i < 100000; ++i) handles.push_back(pool.allocate(40));
  const std::size_t full = pool.memory_bytes();
  EXPECT_GE(full, 4000000u);
  EXPECT_LT(full, 4400000u);
  for (const Handle handle : handles) pool.release(handle);
  EXPECT_LT(pool.memory_bytes(), before + 64 * 1024);
}

TEST(CellPool, CountsSlabsLeft) {
  CellPool pool;
  const std::size_t left = pool.slabs_left();
  EXPECT_EQ(left, (std::size_t{1} << 21) - 1);
  const Handle large = pool.allocate(2049);
  pool.allocate(2048);
  pool.allocate(2048);
  EXPECT_EQ(pool.slabs_left(), left - 2);
  pool.release(large);
  EXPECT_EQ(pool.slabs_left(), left - 1);
}

TEST(CellPool, CostIsWhatManyCellsTake) {
  for (const std::size_t bytes : {1u, 24u, 25u, 257u, 1100u, 2048u, 2049u, 70000u}) {
    CellPool pool;
    for (int i = 0; i < 2000; ++i) pool.allocate(bytes);
    EXPECT_LE(pool.memory_bytes(), 2000 * CellPool::cost_bytes(bytes) + 17000) << bytes;
    EXPECT_GE(pool.memory_bytes(), 2000 * CellPool::cost_bytes(bytes) * 9 / 10) << bytes;
  }
}

TEST(HandleTable, FindsWhatIsInAmongEqualHashes) {
  HandleTable table;
  std::map<Handle, std::uint32_t> held;
  Random random(3);
  for (Handle handle = 1; handle <= 3000; ++handle) {
    const auto hash = static_cast<std::uint32_t>(random.below(2) ? random.below(40) : 0xFFFFFFF0u + random.below(16));
    table.insert(hash, handle);
    held[handle] = hash;
    if (random.below(3) == 0) {
      const auto victim = held.lower_bound(static_cast<Handle>(random.below(held.rbegin()->first) + 1));
      table.erase(victim->second, victim->first);
      held.erase(victim);
    }
  }
  ASSERT_EQ(table.size(), held.size());
  for (Handle handle = 1; handle <= 3000; ++handle) {
    const auto entry = held.find(handle);
    const auto is_it = [handle](Handle other) { return other == handle; };
    if (entry != held.end()) {
      EXPECT_EQ(table.find(entry->second, is_it), handle);
      EXPECT_EQ(table.find(entry->second + 1, is_it), 0u);
    }
  }
  while (!held.empty()) {
    table.erase(held.begin()->second, held.begin()->first);
    held.erase(held.begin());
  }
  EXPECT_EQ(table.size(), 0u);
  EXPECT_LE(table.memory_bytes(), 1024u);
}

TEST(CellPool, FindsTheCellFromItsInside) {
  CellPool pool;
  for (const std::size_t bytes : {3u, 24u, 40u, 300u, 1000u, 2048u, 16000u}) {
    for (int i = 0; i < 50; ++i) {
      const Handle cell = pool.allocate(bytes);
      const auto units = static_cast<Handle>((bytes + 7) / 8);
      for (const Handle inside : {Handle{0}, units / 2, units - 1}) ASSERT_EQ(pool.start_of(cell + inside), cell);
    }
  }
}

}  // namespace
}  // namespace martlet::topic
