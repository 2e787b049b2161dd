#include "session/incoming.h"

#include <gtest/gtest.h>

namespace martlet::session {
namespace {

constexpr std::uint16_t kIds[] = {500, 1, 65'535, 30};

TEST(Incoming, RemembersIdentifiersUntilTheyAreReleased) {
  Incoming incoming;
  for (const std::uint16_t id : kIds) {
    EXPECT_EQ(incoming.find(id), nullptr);
    incoming.begin(id, Ticket::at(id));
  }
  EXPECT_EQ(incoming.size(), 4u);
  for (const std::uint16_t id : kIds) {
    ASSERT_NE(incoming.find(id), nullptr);
    EXPECT_EQ(incoming.find(id)->packet_id, id);
    EXPECT_EQ(incoming.find(id)->stored.position(), id);
    EXPECT_TRUE(incoming.find(id)->in_window);
  }
  EXPECT_TRUE(incoming.release(30));
  EXPECT_FALSE(incoming.release(30));
  EXPECT_FALSE(incoming.release(2));
  EXPECT_EQ(incoming.find(30), nullptr);
  EXPECT_EQ(incoming.size(), 3u);
}

TEST(Incoming, ANewConnectionStartsWithAnEmptyWindow) {
  Incoming incoming;
  incoming.begin(1, Ticket::done());
  incoming.restart();
  ASSERT_NE(incoming.find(1), nullptr);
  EXPECT_FALSE(incoming.find(1)->in_window);
  incoming.clear();
  EXPECT_EQ(incoming.find(1), nullptr);
}

}  // namespace
}  // namespace martlet::session
