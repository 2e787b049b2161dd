// The reactor at the system's limits: many idle connections, and no descriptors left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "net/testing/loopback.h"

// There only under a sanitizer, whose allocator mallinfo2() knows nothing of.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace martlet::net {
namespace {

class ReactorLimits : public testing::Loopback {};

std::size_t heap_bytes() {
  if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_P(ReactorLimits, IdleConnectionsOwnNothing) {
  // Both ends of each connection are ours. The handler's list of addresses needs no heap: they are short.
  const std::size_t limit = env::posix::raise_descriptor_limit();
  if (limit < 1'000) GTEST_SKIP() << "only " << limit << " descriptors";
  const std::size_t count = std::min<std::size_t>(10'000, (limit - 100) / 2);
  std::vector<env::Handle> crowd;
  crowd.reserve(count);
  present.reserve(count + 1);
  handler.accepted_ids.reserve(count + 1);
  handler.peers.reserve(count + 1);
  handler.on_received = [&](ConnectionId id, ByteView bytes) {
    reactor->outbox(id).append(bytes);
    reactor->touch(id);
  };
  // One goes first, so that what the reactor needs once is there already.
  env::Handle first;
  join(&first);
  const std::size_t before = heap_bytes();
  while (crowd.size() < count) {
    for (int i = 0; i < 50 && crowd.size() < count; ++i) crowd.push_back(knock());
    ASSERT_TRUE(until([&] { return handler.accepted_ids.size() == crowd.size() + 1; }));
  }
  const std::size_t after = heap_bytes();
  const std::size_t idle_bytes = after - std::min(after, before);
  RecordProperty("idle_bytes_per_connection", static_cast<int>(idle_bytes / count));
  EXPECT_GT(idle_bytes, count * sizeof(Connection) / 2) << "the heap is not measured";
  // io_uring's list of what is watched goes by descriptor, and half of these are the peers'.
  const std::size_t most_bytes = network->streams() ? 128 + 64 : 128;
  EXPECT_LE(idle_bytes, count * most_bytes) << idle_bytes / count << " bytes a connection";
  EXPECT_EQ(reactor->connection_count(), count + 1);

  // Each has sent and received once: no outbox keeps its bytes.
  for (const env::Handle peer : crowd) push(peer, "hello");
  ASSERT_TRUE(until([&] { return reactor->stats().bytes_out == 5 * count; }));
  for (const ConnectionId id : handler.accepted_ids) ASSERT_TRUE(reactor->outbox(id).empty());
  for (const env::Handle peer : crowd) leave(peer);
  ASSERT_TRUE(until([&] { return reactor->connection_count() == 1; }));
  EXPECT_EQ(handler.closed_ones.size(), count);
}

// Lets no descriptor be opened while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_P(ReactorLimits, ShedsAndRecoversWhenDescriptorsRunOut) {
  std::vector<env::Handle> crowd;
  for (int i = 0; i < 5; ++i) crowd.push_back(knock());
  const std::uint64_t reads_before = reactor->stats().reads;
  ::testing::AssertionResult refused = ::testing::AssertionFailure();
  {
    NoDescriptors scarce;
    refused = until([&] { return handler.refusals.size() >= crowd.size(); });
  }
  ASSERT_TRUE(refused);
  EXPECT_TRUE(handler.accepted_ids.empty());
  EXPECT_THAT(handler.refusals, ::testing::Each(RefuseReason::out_of_descriptors));
  for (const env::Handle peer : crowd) {
    std::string got;
    ASSERT_TRUE(until([&] { return pull(peer, &got).status != env::IoStatus::would_block; }));
    leave(peer);
  }
  env::Handle peer;
  const ConnectionId id = join(&peer);
  push(peer, "hello");
  ASSERT_TRUE(until([&] { return handler.received_by(id) == "hello"; }));
  EXPECT_GT(reactor->stats().reads, reads_before);
}

TEST_P(ReactorLimits, RestsInsteadOfSpinning) {
  // A rest longer than the test: a listener that is still watched would give events.
  build({.accepts_per_turn = 1, .accept_rest_ms = 600'000});
  const env::Handle shed = knock();
  const env::Handle left_waiting = knock();
  ::testing::AssertionResult refused = ::testing::AssertionFailure();
  bool busy = true;
  {
    NoDescriptors scarce;
    refused = until([&] { return !handler.refusals.empty(); });
    busy = reactor->turn(clock->now().mono_ms + 5);
  }
  ASSERT_TRUE(refused);
  EXPECT_FALSE(busy);
  EXPECT_EQ(handler.refusals.size(), 1u);
  leave(shed);
  leave(left_waiting);
}

INSTANTIATE_TEST_SUITE_P(With, ReactorLimits, ::testing::ValuesIn(env::testing::pollings()),
                         env::testing::polling_name);

}  // namespace
}  // namespace martlet::net
