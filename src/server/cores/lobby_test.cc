#include "server/cores/lobby.h"

#include <gtest/gtest.h>

namespace martlet::server {
namespace {

Now at(std::int64_t mono_ms) {
  Now now;
  now.mono_ms = mono_ms;
  return now;
}

TEST(Lobby, NobodyStaysLongerThanAllowed) {
  Lobby lobby(100);
  EXPECT_EQ(lobby.deadline(), kNever);
  lobby.enter({1, 1}, 0, "peer", at(1'000));
  lobby.enter({2, 1}, 0, "peer", at(1'050));
  EXPECT_EQ(lobby.deadline(), 1'100);
  EXPECT_FALSE(lobby.overdue(at(1'099)));
  EXPECT_EQ(lobby.overdue(at(1'100)), (net::ConnectionId{1, 1}));
  lobby.leave({1, 1});
  EXPECT_EQ(lobby.deadline(), 1'150);
  lobby.leave({2, 1});
  EXPECT_EQ(lobby.deadline(), kNever);
  EXPECT_FALSE(lobby.anybody());
}

TEST(Lobby, ASlotThatIsUsedAgainIsAnotherGuest) {
  Lobby lobby(100);
  lobby.enter({1, 1}, 3, "first", at(0));
  EXPECT_EQ(lobby.leave({1, 1}).listener, 3u);
  lobby.enter({1, 2}, 4, "second", at(10));
  EXPECT_EQ(lobby.find({1, 1}), nullptr);
  EXPECT_EQ(lobby.find({1, 2})->peer_address, "second");
  EXPECT_EQ(lobby.anybody(), (net::ConnectionId{1, 2}));
}

}  // namespace
}  // namespace martlet::server
