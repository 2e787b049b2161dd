#include "env/posix/measure.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {
namespace {

TEST(MonotonicNs, GoesForward) {
  const std::uint64_t first = monotonic_ns();
  EXPECT_GT(first, 0u);
  EXPECT_GE(monotonic_ns(), first);
}

TEST(IsTerminal, IsFalseForAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  OwnedDescriptor reader(ends[0]);
  OwnedDescriptor writer(ends[1]);
  EXPECT_FALSE(is_terminal(Handle{reader.get()}));
}

}  // namespace
}  // namespace martlet::env::posix
