#include <gtest/gtest.h>

#include <set>

#include "broker/connection.h"
#include "broker/session.h"

namespace martlet::broker {
namespace {

TEST(SessionTable, FindsByClientIdentifierAndNumber) {
  SessionTable table;
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_EQ(table.find(0u), nullptr);
  EXPECT_EQ(table.find(1u), nullptr);
  Session& a = table.create("a");
  Session& b = table.create("b");
  EXPECT_NE(a.number, 0u);
  EXPECT_NE(a.number, b.number);
  EXPECT_EQ(table.find("a"), &a);
  EXPECT_EQ(table.find(b.number), &b);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(a.client_id.view(), "a");
}

TEST(SessionTable, ANumberIsUsedAgainWithANewGeneration) {
  SessionTable table;
  Session& first = table.create("first");
  const std::uint32_t number = first.number;
  const std::uint32_t generation = first.generation;
  table.erase(first);
  EXPECT_EQ(table.find("first"), nullptr);
  EXPECT_EQ(table.find(number), nullptr);
  EXPECT_EQ(table.size(), 0u);
  const Session& second = table.create("second");
  EXPECT_EQ(second.number, number);
  EXPECT_NE(second.generation, generation);
}

TEST(SessionTable, ARemnantIsFoundByItsNumberAlone) {
  SessionTable table;
  Session& old = table.create("a");
  table.make_remnant(old);
  EXPECT_TRUE(old.remnant);
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_EQ(table.find(old.number), &old);
  EXPECT_EQ(table.size(), 0u);
  Session& successor = table.create("a");
  Session& restored = table.create_remnant();
  EXPECT_EQ(table.find("a"), &successor);
  EXPECT_EQ(table.find(restored.number), &restored);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_EQ(table.remnants(), 2u);
  std::size_t visited = 0;
  table.for_each([&](const Session&) { ++visited; });
  EXPECT_EQ(visited, 1u);
  const std::uint32_t number = old.number;
  table.erase(old);
  EXPECT_EQ(table.find(number), nullptr);
  EXPECT_EQ(table.find("a"), &successor);
  EXPECT_EQ(table.remnants(), 1u);
}

TEST(SessionTable, VisitsAll) {
  SessionTable table;
  for (int i = 0; i < 100; ++i) table.create("client" + std::to_string(i));
  std::set<std::uint32_t> numbers;
  table.for_each([&](Session& session) {
    numbers.insert(session.number);
    EXPECT_EQ(table.find(session.client_id), &session);
  });
  EXPECT_EQ(numbers.size(), 100u);
}

}  // namespace
}  // namespace martlet::broker
