#include "net/connection_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "net/poll_token.h"

namespace martlet::net {
namespace {

ConnectionId add_open(ConnectionTable& table) {
  const ConnectionId id = table.add();
  table.at(id.slot).state = ConnectionState::open;
  return id;
}

TEST(ConnectionTable, IsSmallPerConnection) {
  EXPECT_LE(sizeof(Connection), 128u);
}

TEST(ConnectionTable, FindsOnlyTheLivingUserOfASlot) {
  ConnectionTable table;
  const ConnectionId first = add_open(table);
  EXPECT_NE(table.find(first), nullptr);
  table.remove(first);
  EXPECT_EQ(table.find(first), nullptr);
  const ConnectionId second = add_open(table);
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_NE(table.find(second), nullptr);
}

TEST(ConnectionTable, KnowsNothingOfInventedIds) {
  ConnectionTable table;
  EXPECT_EQ(table.find({}), nullptr);
  EXPECT_EQ(table.find({12345, 1}), nullptr);
  add_open(table);
  EXPECT_EQ(table.find({0, 0}), nullptr);
  EXPECT_EQ(table.find({0, 7}), nullptr);
}

TEST(ConnectionTable, KeepsAddressesWhileItGrows) {
  ConnectionTable table;
  const ConnectionId first = add_open(table);
  const Connection* where = table.find(first);
  for (int i = 0; i < 5000; ++i) add_open(table);
  EXPECT_EQ(table.find(first), where);
  EXPECT_EQ(table.size(), 5001u);
}

TEST(ConnectionTable, CountsWhatIsUsed) {
  ConnectionTable table;
  std::vector<ConnectionId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(add_open(table));
  for (int i = 0; i < 4; ++i) table.remove(ids[static_cast<std::size_t>(i)]);
  EXPECT_EQ(table.size(), 6u);
  add_open(table);
  EXPECT_EQ(table.size(), 7u);
  EXPECT_EQ(table.slots(), 10u);
}

TEST(ConnectionTable, WrapsGenerationsPastZeroAndWithinAToken) {
  ConnectionTable table;
  ConnectionId id = add_open(table);
  table.at(id.slot).generation = (1u << 30) - 1;
  id.generation = (1u << 30) - 1;
  EXPECT_EQ(kind_of(poll_token(id)), PollKind::connection);
  EXPECT_EQ(connection_of(poll_token(id)), id);
  table.remove(id);
  EXPECT_EQ(add_open(table).generation, 1u);
}

TEST(PollToken, TellsKindsApart) {
  EXPECT_EQ(kind_of(poll_token(PollKind::listener, 7)), PollKind::listener);
  EXPECT_EQ(number_of(poll_token(PollKind::listener, 7)), 7u);
  EXPECT_EQ(kind_of(poll_token(PollKind::external, 9)), PollKind::external);
  EXPECT_EQ(number_of(poll_token(PollKind::external, 9)), 9u);
}

}  // namespace
}  // namespace martlet::net
