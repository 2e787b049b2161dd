#include "broker/deadline_queue.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace martlet::broker {
namespace {

Due at(DeadlineMs at_ms) {
  return {at_ms, DueKind::session, 0, 0};
}

TEST(DeadlineQueue, GivesTheEarliestFirst) {
  DeadlineQueue queue;
  EXPECT_EQ(queue.next(), kNever);
  Random random(3);
  for (int i = 0; i < 1000; ++i) queue.add(at(static_cast<DeadlineMs>(random.below(500))));
  queue.add(at(kNever));
  EXPECT_EQ(queue.size(), 1000u) << "what is never due is not kept";
  queue.keep_if([](const Due& due) { return due.at_ms % 2 == 0; });
  DeadlineMs before = 0;
  while (queue.size() > 0) {
    EXPECT_EQ(queue.next() % 2, 0);
    const Due due = queue.take();
    EXPECT_LE(before, due.at_ms);
    before = due.at_ms;
  }
}

}  // namespace
}  // namespace martlet::broker
