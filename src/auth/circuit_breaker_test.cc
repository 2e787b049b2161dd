#include "auth/circuit_breaker.h"

#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

using Admission = CircuitBreaker::Admission;

TEST(CircuitBreaker, LetsEverybodyThroughWhileTheServiceAnswers) {
  CircuitBreaker breaker;
  for (int i = 0; i < 3; ++i) {
    const Admission admission = breaker.admit(i);
    EXPECT_EQ(admission, Admission::yes);
    breaker.answered(admission);
  }
}

TEST(CircuitBreaker, AFailureBeginsAPauseWithItsReason) {
  CircuitBreaker breaker;
  breaker.failed(breaker.admit(0), 0, "connection refused");
  EXPECT_EQ(breaker.admit(999), Admission::no);
  EXPECT_EQ(breaker.reason(), "connection refused");
  EXPECT_EQ(breaker.pause_ms(400), 600);
  EXPECT_EQ(breaker.admit(1000), Admission::probe);
}

TEST(CircuitBreaker, OneProbeAtATime) {
  CircuitBreaker breaker;
  breaker.failed(breaker.admit(0), 0, "x");
  const Admission probe = breaker.admit(1000);
  EXPECT_EQ(breaker.admit(1001), Admission::no);
  breaker.answered(probe);
  EXPECT_EQ(breaker.admit(1002), Admission::yes);
  EXPECT_EQ(breaker.reason(), "");
}

TEST(CircuitBreaker, ThePauseDoublesUpToHalfAMinute) {
  CircuitBreaker breaker;
  breaker.failed(breaker.admit(0), 0, "x");
  std::int64_t now = 0;
  for (const std::int64_t pause : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    EXPECT_EQ(breaker.admit(now + pause - 1), Admission::no);
    now += pause;
    const Admission probe = breaker.admit(now);
    ASSERT_EQ(probe, Admission::probe) << pause;
    breaker.failed(probe, now, "still");
  }
}

TEST(CircuitBreaker, AfterAnAnswerThePauseIsShortAgain) {
  CircuitBreaker breaker;
  breaker.failed(breaker.admit(0), 0, "x");
  breaker.failed(breaker.admit(1'000), 1'000, "x");
  breaker.answered(breaker.admit(3'000));
  breaker.failed(breaker.admit(3'001), 3'001, "x");
  EXPECT_EQ(breaker.pause_ms(3'001), 1'000);
}

TEST(CircuitBreaker, WhoWasUnderWayNeitherProlongsNorEndsThePause) {
  CircuitBreaker breaker;
  const Admission first = breaker.admit(0);
  const Admission second = breaker.admit(0);
  const Admission third = breaker.admit(0);
  breaker.failed(first, 10, "first");
  breaker.failed(second, 900, "second");
  EXPECT_EQ(breaker.reason(), "first");
  EXPECT_EQ(breaker.pause_ms(10), 1'000);
  breaker.answered(third);
  EXPECT_EQ(breaker.admit(500), Admission::no);
}

TEST(CircuitBreaker, AProbeThatDidNotAskLeavesTheNextOneToTry) {
  CircuitBreaker breaker;
  breaker.failed(breaker.admit(0), 0, "x");
  breaker.abandoned(breaker.admit(1'000));
  EXPECT_EQ(breaker.admit(1'001), Admission::probe);
}

}  // namespace
}  // namespace martlet::auth
