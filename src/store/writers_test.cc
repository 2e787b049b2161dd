// Several writers on one store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "store/store.h"
#include "store/testing/faulty_backend.h"
#include "store/testing/test_world.h"

namespace martlet::store::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class Writers : public ::testing::TestWithParam<const char*> {
 protected:
  Writers() {
    if (std::string_view(GetParam()) == "memory") {
      world_ = std::make_unique<MemoryWorld>();
    } else {
      world_ = std::make_unique<RocksdbWorld>();
    }
  }

  void open(std::uint32_t writers, Committer::Options options = {}) {
    store_.reset();
    told_.clear();
    options.retry_ms = 0;
    options.notify = [this](std::uint32_t writer) { told_.push_back(writer); };
    faults_ = std::make_shared<Faults>();
    store_ = Store::stepped(std::make_unique<FaultyBackend>(world_->open(), faults_), std::move(options), writers);
  }
  Writer& writer(std::uint32_t core) { return store_->writer(core); }
  // Submits; returns what a synced acknowledgement waits for.
  Ticket submit(std::uint32_t core) {
    const Ticket ticket = writer(core).ticket(Durability::fsync);
    writer(core).submit();
    return ticket;
  }
  bool resolved(std::uint32_t core, Ticket ticket) { return ticket.resolved(writer(core).resolved()); }
  void commit_all() {
    for (std::uint32_t core = 0; core < store_->writers(); ++core) submit(core);
    while (store_->step()) {
    }
  }
  std::string value(std::string_view key) {
    std::string value;
    return store_->reader().get(Table::retained, as_bytes(key), value).value() ? value : "none";
  }
  void share(std::uint32_t core, std::string_view key, std::string_view value) {
    writer(core).put_shared(Table::retained, as_bytes(key), as_bytes(value));
  }

  std::unique_ptr<World> world_;
  std::shared_ptr<Faults> faults_;
  std::unique_ptr<Store> store_;
  std::vector<std::uint32_t> told_;
};

INSTANTIATE_TEST_SUITE_P(Backends, Writers, ::testing::Values("memory", "rocksdb"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(Writers, PositionsAreUniqueAndRiseAndMayLeaveHoles) {
  open(2);
  EXPECT_EQ(writer(0).append(as_bytes("a")), 1u);
  EXPECT_EQ(writer(1).append(as_bytes("b")), 1 + kChunk);
  EXPECT_EQ(writer(0).append(as_bytes("c")), 2u);
  commit_all();
  const Reader& reader = store_->reader();
  EXPECT_THAT(log_of(reader), ElementsAre(Pair(1, "a"), Pair(2, "c"), Pair(1 + kChunk, "b")));
  EXPECT_EQ(reader.end(), 2 + kChunk);
  std::string record;
  EXPECT_FALSE(reader.read(3, record).value()) << "a hole";
  EXPECT_TRUE(reader.read(1 + kChunk, record).value());
  const auto stop = [](Position, ByteView) { return false; };
  EXPECT_EQ(reader.scan(2, 1000, stop).next, 3u);
  EXPECT_EQ(reader.scan(3, 1000, stop).next, 2 + kChunk) << "over the hole";

  for (Position i = 2; i < kChunk; ++i) EXPECT_EQ(writer(0).append(as_bytes("x")), i + 1);
  EXPECT_EQ(writer(0).next(), 1 + 2 * kChunk) << "the chunk is full";
  EXPECT_EQ(writer(1).append(as_bytes("y")), 2 + kChunk);
  EXPECT_EQ(store_->appended_end(), 3 + kChunk);
  commit_all();

  open(3);
  for (std::uint32_t core = 0; core < 3; ++core) EXPECT_EQ(writer(core).next(), 3 + kChunk * (1 + core));
  EXPECT_EQ(store_->appended_end(), 3 + kChunk);
}

TEST_P(Writers, OneAloneLeavesNoHoles) {
  open(1);
  for (Position i = 1; i <= 3 * kChunk; ++i) {
    EXPECT_EQ(writer(0).append(as_bytes("x")), i);
    writer(0).renew();
    EXPECT_EQ(writer(0).next(), i + 1);
  }
}

TEST_P(Writers, RenewingFollowsWhatOthersHaveAppended) {
  open(2);
  writer(0).append(as_bytes("a"));
  writer(1).renew();
  EXPECT_EQ(writer(1).next(), 1 + kChunk) << "it is ahead";
  writer(0).renew();
  EXPECT_EQ(writer(0).next(), 2u) << "nobody has appended behind it";
  writer(1).append(as_bytes("b"));
  writer(0).renew();
  EXPECT_EQ(writer(0).next(), 1 + 2 * kChunk);
  writer(1).renew();
  EXPECT_EQ(writer(1).next(), 2 + kChunk) << "nobody has appended behind it";
  writer(0).append(as_bytes("c"));
  writer(1).renew();
  EXPECT_EQ(writer(1).next(), 1 + 3 * kChunk);
  commit_all();
  EXPECT_THAT(log_of(store_->reader()), ElementsAre(Pair(1, "a"), Pair(1 + kChunk, "b"), Pair(1 + 2 * kChunk, "c")));
}

TEST_P(Writers, OneCanPassWhatAnotherTook) {
  open(2);
  const Position other = writer(1).append(as_bytes("b"));
  writer(0).append(as_bytes("a"));
  writer(0).pass(1);
  EXPECT_EQ(writer(0).next(), 2u) << "it is above it already";
  writer(0).pass(other);
  EXPECT_GT(writer(0).next(), other);
  EXPECT_EQ(writer(0).next(), 1 + 2 * kChunk);
  writer(0).pass(other);
  EXPECT_EQ(writer(0).next(), 1 + 2 * kChunk);
}

TEST_P(Writers, PositionsCanBeSkippedAtTheStart) {
  open(2);
  store_->skip_to(10);
  EXPECT_EQ(writer(0).next(), 1 + 2 * kChunk);
  EXPECT_EQ(writer(1).next(), 1 + kChunk) << "above it already";
  store_->skip_to(5'000'000);
  EXPECT_EQ(writer(0).next(), 5'000'000u);
  EXPECT_EQ(writer(1).next(), 5'000'000u + kChunk);
  EXPECT_EQ(writer(0).readable_below(), writer(0).next());
}

TEST_P(Writers, EachIsToldOfItsOwnBatches) {
  open(2, {.max_group_bytes = 1});
  EXPECT_EQ(writer(1).readable_below(), 1 + kChunk);
  writer(0).append(as_bytes("a"));
  const Ticket first = submit(0);
  writer(1).append(as_bytes("b"));
  const Ticket second = submit(1);
  EXPECT_EQ(first.position(), second.position()) << "they are counted by writer";
  EXPECT_TRUE(store_->step());
  EXPECT_TRUE(resolved(0, first));
  EXPECT_FALSE(resolved(1, second));
  EXPECT_THAT(told_, ElementsAre(0));
  EXPECT_EQ(writer(0).readable_below(), 2u);
  EXPECT_LE(writer(1).readable_below(), 1 + kChunk);
  EXPECT_TRUE(store_->step());
  EXPECT_TRUE(resolved(1, second));
  EXPECT_THAT(told_, ElementsAre(0, 1));
  EXPECT_EQ(writer(1).readable_below(), 2 + kChunk);

  // What one has not submitted is not readable, whatever others have committed above it.
  writer(0).append(as_bytes("c"));
  writer(1).append(as_bytes("d"));
  submit(1);
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(writer(0).readable_below(), 2u);
  EXPECT_GT(store_->reader().end(), 2u);
  submit(0);
  EXPECT_EQ(writer(0).readable_below(), 2u);
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(writer(0).readable_below(), 3u);
}

TEST_P(Writers, AllAreToldOfTheDisksHealth) {
  open(3);
  faults_->fail_writes(1);
  writer(1).append(as_bytes("a"));
  submit(1);
  EXPECT_FALSE(store_->step());
  EXPECT_THAT(told_, ElementsAre(0, 1, 2));
  told_.clear();
  EXPECT_TRUE(store_->step());
  EXPECT_THAT(told_, ElementsAre(0, 1, 2));
}

TEST_P(Writers, TheLogIsTrimmedToWhatAllCanDoWithout) {
  open(2);
  for (int i = 0; i < 5; ++i) writer(0).append(as_bytes("x"));
  commit_all();
  writer(0).trim(6);
  commit_all();
  EXPECT_EQ(store_->reader().first(), 1u) << "the other needs all";
  writer(1).trim(3);
  EXPECT_EQ(store_->reader().first(), 1u);
  commit_all();
  EXPECT_EQ(store_->reader().first(), 3u);
  writer(1).trim(2);
  EXPECT_TRUE(writer(1).ticket(Durability::fsync).resolved(writer(1).resolved())) << "lower than before";
  writer(1).trim(writer(1).next());
  commit_all();
  EXPECT_EQ(store_->reader().first(), 6u);
  EXPECT_EQ(store_->reader().end(), 6u);
  EXPECT_THAT(log_of(store_->reader()), IsEmpty());

  // Behind the last record: the log stays empty and goes on there.
  writer(1).append(as_bytes("y"));
  writer(0).renew();
  writer(1).append(as_bytes("z"));
  writer(1).trim(writer(1).next());
  writer(0).trim(writer(0).next());
  commit_all();
  EXPECT_EQ(store_->reader().first(), 3 + kChunk);
  EXPECT_EQ(store_->reader().end(), 3 + kChunk);
  writer(1).renew();
  writer(0).append(as_bytes("w"));
  writer(1).renew();
  writer(1).trim(writer(1).next());
  commit_all();
  EXPECT_EQ(store_->reader().first(), 1 + 2 * kChunk);
  EXPECT_THAT(log_of(store_->reader()), ElementsAre(Pair(1 + 2 * kChunk, "w")));
}

TEST_P(Writers, ATrimBeyondAllRecordsIsTheEndOfTheLog) {
  open(2);
  writer(0).append(as_bytes("x"));
  commit_all();
  open(2);
  store_->skip_to(5'000);
  for (const std::uint32_t core : {0u, 1u}) writer(core).trim(writer(core).next());
  commit_all();
  EXPECT_EQ(store_->reader().first(), 5'000u);
  EXPECT_EQ(store_->reader().end(), 5'000u);
  EXPECT_THAT(log_of(store_->reader()), IsEmpty());
  EXPECT_TRUE(store_->close());
  open(2);
  EXPECT_EQ(store_->reader().first(), 5'000u);
  EXPECT_EQ(store_->reader().end(), 5'000u);
  EXPECT_EQ(writer(0).next(), 5'000u);
}

// Whoever needs it no longer may have said so in a record that is not committed yet.
TEST_P(Writers, ATrimIsCommittedWithWhatItsWriterDidBefore) {
  open(2, {.max_group_bytes = 1});
  writer(0).append(as_bytes("x"));
  submit(0);
  EXPECT_TRUE(store_->step());
  writer(1).trim(writer(1).next());
  submit(1);
  writer(0).append(as_bytes("instead of x"));
  writer(0).trim(2);
  submit(0);
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(store_->reader().first(), 1u);
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(store_->reader().first(), 2u);
  EXPECT_THAT(log_of(store_->reader()), ElementsAre(Pair(2, "instead of x")));
}

TEST_P(Writers, SharedKeysKeepTheOrderOfTheCalls) {
  open(3);
  share(0, "t", "by 0");
  share(1, "t", "by 1");
  share(2, "u", "by 2");
  writer(2).erase_shared(Table::retained, as_bytes("u"));
  share(0, "u", "by 0");
  EXPECT_GT(store_->pending_bytes(), 0u);
  const Ticket second = submit(1);
  const Ticket first = submit(0);
  EXPECT_EQ(second.position(), 1u) << "it has a batch, though no operation of its own";
  EXPECT_TRUE(store_->step());
  EXPECT_TRUE(resolved(0, first));
  EXPECT_TRUE(resolved(1, second));
  EXPECT_EQ(value("t"), "by 1");
  EXPECT_EQ(value("u"), "by 0");
  EXPECT_EQ(store_->pending_bytes(), 0u);
  const Ticket third = submit(2);
  EXPECT_FALSE(resolved(2, third));
  EXPECT_TRUE(store_->step());
  EXPECT_TRUE(resolved(2, third));
  EXPECT_EQ(submit(2).position(), Ticket::done().position());
  store_.reset();
  open(1);
  EXPECT_EQ(value("t"), "by 1");
}

TEST_P(Writers, AMessageThatIsOnlySharedMayBeAcknowledged) {
  open(2);
  share(0, "t", "a");
  const Ticket ticket = writer(0).ticket(Durability::fsync, 1);
  EXPECT_FALSE(resolved(0, ticket));
  writer(0).submit();
  EXPECT_TRUE(store_->step());
  EXPECT_TRUE(resolved(0, ticket));
  EXPECT_EQ(store_->metrics().syncs, 1u);
}

TEST_P(Writers, WhatIsSharedWithAFailedGroupStaysBeforeWhatComesLater) {
  open(2);
  faults_->fail_writes(1, 2);
  share(0, "t", "old");
  submit(0);
  EXPECT_FALSE(store_->step());
  share(1, "t", "new");
  submit(1);
  EXPECT_FALSE(store_->step());
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(value("t"), "old");
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(value("t"), "new");
}

TEST_P(Writers, AGroupThatIsFullLeavesNothingSharedBehind) {
  open(2, {.max_group_bytes = 1});
  writer(0).append(as_bytes("a"));
  submit(0);
  share(1, "t", "v");
  submit(1);
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(value("t"), "v") << "with an earlier group than its batch";
  EXPECT_TRUE(store_->step());
  EXPECT_EQ(store_->pending_bytes(), 0u);
}

// ---- in threads

// Where a writer's record is, and the order of what it shared in the same turn.
struct Written {
  Position position;
  std::string text;
  std::uint64_t order;
  Ticket ticket = Ticket::done();
};

class ThreadedWriters : public Writers {
 protected:
  void start(std::uint32_t writers) {
    Committer::Options options;
    options.notify = [this](std::uint32_t) {
      { const std::lock_guard lock(mutex_); }
      notified_.notify_all();
    };
    store_ = Store::start(world_->open(), std::move(options), writers);
  }
  void await(std::uint32_t core, Ticket ticket) {
    std::unique_lock lock(mutex_);
    notified_.wait(lock, [&] { return resolved(core, ticket); });
  }

  // What a core does: `turns` turns, of which some wait for the disk.
  void run(std::uint32_t core, int turns) {
    Random random(core + 1);
    Writer& to = store_->writer(core);
    std::vector<Written>& written = written_[core];
    for (int turn = 0; turn < turns; ++turn) {
      std::uint64_t order = 0;
      {
        const std::lock_guard lock(order_mutex_);
        order = ++order_;
        to.put_shared(Table::retained, as_bytes("t"), as_bytes(std::to_string(order)));
      }
      const std::size_t begin = written.size();
      for (std::uint64_t i = random.below(5); i > 0; --i) {
        std::string text = std::to_string(core) + ":" + std::to_string(written.size());
        const Position next = to.next();
        const Position position = to.append(as_bytes(text));
        EXPECT_EQ(position, next);
        EXPECT_TRUE(written.empty() || written.back().position < position);
        written.push_back({position, std::move(text), order});
      }
      to.put(Table::meta, as_bytes(std::to_string(core)), as_bytes(std::to_string(turn)));
      const Ticket ticket = to.ticket(turn % 3 == 0 ? Durability::interval : Durability::fsync, 1);
      for (std::size_t i = begin; i < written.size(); ++i) written[i].ticket = ticket;
      to.submit();
      if (random.below(8) == 0) await(core, ticket);
      if (random.below(4) == 0) to.renew();
      expect_readable(core);
    }
  }

  // The last record that is said to be readable is.
  void expect_readable(std::uint32_t core) {
    const std::vector<Written>& written = written_[core];
    const Position below = store_->writer(core).readable_below();
    const auto behind = std::ranges::lower_bound(written, below, {}, [](const Written& one) { return one.position; });
    if (behind == written.begin()) return;
    const Written& last = *(behind - 1);
    std::string record;
    EXPECT_TRUE(store_->reader().read(last.position, record).value());
    EXPECT_EQ(record, last.text);
  }

  void run_all(std::uint32_t writers, int turns) {
    std::vector<std::thread> threads;
    for (std::uint32_t core = 0; core < writers; ++core) threads.emplace_back([=, this] { run(core, turns); });
    for (std::thread& thread : threads) thread.join();
  }

  std::mutex mutex_;
  std::condition_variable notified_;
  std::mutex order_mutex_;
  std::uint64_t order_ = 0;
  std::map<std::uint32_t, std::vector<Written>> written_;
};

INSTANTIATE_TEST_SUITE_P(Backends, ThreadedWriters, ::testing::Values("memory", "rocksdb"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_P(ThreadedWriters, WhatIsResolvedIsThereAfterAKillAndTheLastSharedValueWins) {
  constexpr std::uint32_t kWriters = 4;
  start(kWriters);
  for (std::uint32_t core = 0; core < kWriters; ++core) written_[core];
  run_all(kWriters, 300);
  std::map<Position, std::string> safe;
  std::uint64_t safe_order = 0;
  for (const auto& [core, all] : written_) {
    for (const Written& one : all) {
      if (!resolved(core, one.ticket)) continue;
      EXPECT_TRUE(safe.emplace(one.position, one.text).second) << "a position is used once";
      safe_order = std::max(safe_order, one.order);
    }
  }
  EXPECT_GT(safe.size(), 100u);
  world_->kill(std::move(store_));
  start(2);
  const auto log = log_of(store_->reader());
  const std::map<Position, std::string> found(log.begin(), log.end());
  for (const auto& one : safe) EXPECT_EQ(found.count(one.first), 1u) << one.second;
  for (const auto& [position, text] : safe) EXPECT_EQ(found.at(position), text);
  EXPECT_GE(std::stoull(value("t")), safe_order);
  EXPECT_EQ(store_->writer(0).next(), store_->reader().end());

  written_.clear();
  for (std::uint32_t core = 0; core < 2; ++core) written_[core];
  run_all(2, 100);
  EXPECT_TRUE(store_->close());
  store_.reset();
  open(1);
  EXPECT_EQ(value("t"), std::to_string(order_));
  for (const auto& [core, all] : written_) {
    for (const Written& one : all) {
      std::string record;
      EXPECT_TRUE(store_->reader().read(one.position, record).value());
      EXPECT_EQ(record, one.text);
    }
  }
}

}  // namespace
}  // namespace martlet::store::testing
