#include "tools/bench/flight.h"

#include <gtest/gtest.h>

namespace martlet::tools::bench {
namespace {

TEST(Flight, TellsSinceWhenAnIdentifierWasUnderWay) {
  Flight flight(3);
  flight.sent(1, 100);
  flight.sent(2, 200);
  flight.sent(3, 300);
  EXPECT_EQ(flight.done(2), 200u);
  EXPECT_EQ(flight.done(1), 100u);
  EXPECT_EQ(flight.done(3), 300u);
}

TEST(Flight, KnowsAnAcknowledgementThatNobodyWaitsFor) {
  Flight flight(3);
  EXPECT_FALSE(flight.done(1));
  flight.sent(1, 100);
  EXPECT_FALSE(flight.done(0));
  EXPECT_FALSE(flight.done(5));  // shares the place of 1
  EXPECT_TRUE(flight.done(1));
  EXPECT_FALSE(flight.done(1));  // acknowledged twice
}

TEST(Flight, HoldsAFullWindowWhereIdentifiersBeginAgain) {
  for (const std::uint32_t window : {1u, 3u, 4u, 100u}) {
    Flight flight(window);
    std::uint16_t id = static_cast<std::uint16_t>(65'535 - window / 2);
    const std::uint16_t first = id;
    for (std::uint32_t i = 0; i < window; ++i) {
      flight.sent(id, i);
      id = id == 65'535 ? 1 : static_cast<std::uint16_t>(id + 1);
    }
    id = first;
    for (std::uint32_t i = 0; i < window; ++i) {
      EXPECT_EQ(flight.done(id), i) << window;
      id = id == 65'535 ? 1 : static_cast<std::uint16_t>(id + 1);
    }
  }
}

TEST(Flight, WithoutAWindowKnowsNothing) {
  EXPECT_FALSE(Flight().done(1));
}

TEST(Flight, KeepsThePlaceOfOneThatIsPassedOver) {
  Flight flight(3);
  for (std::uint16_t id = 1; id <= 4; ++id) {
    ASSERT_TRUE(flight.has_place(id));
    flight.sent(id, 0);
  }
  EXPECT_TRUE(flight.done(2));
  EXPECT_FALSE(flight.has_place(5));
  EXPECT_TRUE(flight.holds(1));
  EXPECT_FALSE(flight.holds(5));
  EXPECT_TRUE(flight.has_place(6));
}

}  // namespace
}  // namespace martlet::tools::bench
