// What every backend promises through Store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using ::testing::SizeIs;

class StoreContract : public ::testing::TestWithParam<const char*> {
 protected:
  StoreContract() {
    if (std::string_view(GetParam()) == "memory") {
      world_ = std::make_unique<MemoryWorld>();
    } else {
      world_ = std::make_unique<RocksdbWorld>();
    }
  }

  std::unique_ptr<Store> stepped(Committer::Options options = {}) {
    options.retry_ms = 0;
    faults_ = std::make_shared<Faults>();
    return Store::stepped(std::make_unique<FaultyBackend>(world_->open(), faults_), std::move(options));
  }
  std::unique_ptr<Store> threaded(Committer::Options options = {}) {
    options.retry_ms = 1;
    options.notify = [this](std::uint32_t) {
      { const std::lock_guard lock(mutex_); }
      notified_.notify_all();
    };
    faults_ = std::make_shared<Faults>();
    return Store::start(std::make_unique<FaultyBackend>(world_->open(), faults_), std::move(options));
  }
  template <class Condition>
  void await(Condition condition) {
    std::unique_lock lock(mutex_);
    notified_.wait(lock, condition);
  }
  void await(const Store& store, Ticket ticket) {
    await([&] { return ticket.resolved(store.writer().resolved()); });
  }

  std::unique_ptr<World> world_;
  std::shared_ptr<Faults> faults_;
  std::mutex mutex_;
  std::condition_variable notified_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StoreContract, ::testing::Values("memory", "rocksdb"),
                         [](const auto& instance) { return std::string(instance.param); });

void commit(Store& store, Durability level = Durability::fsync) {
  submit(store, level);
  ASSERT_TRUE(store.step()) << store.health().text;
}

TEST_P(StoreContract, PositionsAreDenseAndRecordsReadableOnceCommitted) {
  const auto store = stepped();
  EXPECT_EQ(store->writer().next(), 1u);
  EXPECT_EQ(store->writer().append(as_bytes("a")), 1u);
  EXPECT_EQ(store->writer().append(as_bytes("")), 2u);
  store->writer().submit();
  EXPECT_EQ(store->writer().append(as_bytes("c")), 3u);
  std::string record;
  EXPECT_FALSE(store->reader().read(1, record).value());
  EXPECT_EQ(store->reader().end(), 1u);
  EXPECT_TRUE(store->step());
  EXPECT_TRUE(store->reader().read(1, record).value());
  EXPECT_EQ(record, "a");
  EXPECT_TRUE(store->reader().read(2, record).value());
  EXPECT_EQ(record, "");
  EXPECT_FALSE(store->reader().read(3, record).value());
  EXPECT_FALSE(store->reader().read(0, record).value());
  commit(*store);
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "a"), Pair(2, ""), Pair(3, "c")));
}

TEST_P(StoreContract, ATicketIsResolvedWithItsBatch) {
  const auto store = stepped();
  EXPECT_TRUE(store->writer().ticket(Durability::fsync).resolved(0));
  store->writer().append(as_bytes("a"));
  const Ticket first = store->writer().ticket(Durability::fsync);
  EXPECT_FALSE(first.resolved(store->writer().resolved()));
  store->writer().submit();
  EXPECT_EQ(store->writer().ticket(Durability::fsync).position(), first.position());
  store->writer().submit();  // nothing is open: no batch
  EXPECT_EQ(store->writer().ticket(Durability::fsync).position(), first.position());
  store->writer().put(Table::meta, as_bytes("k"), as_bytes("v"));
  const Ticket second = store->writer().ticket(Durability::fsync);
  EXPECT_GT(second.position(), first.position());
  EXPECT_GT(store->pending_bytes(), 0u);
  EXPECT_TRUE(store->step());
  EXPECT_TRUE(first.resolved(store->writer().resolved()));
  EXPECT_FALSE(second.resolved(store->writer().resolved()));
  EXPECT_EQ(store->pending_bytes(), 0u);
  commit(*store);
  EXPECT_TRUE(second.resolved(store->writer().resolved()));
  EXPECT_EQ(store->writer().ticket(Durability::fsync).position(), Ticket::done().position());
}

TEST_P(StoreContract, OneStepCommitsAllThatWaits) {
  const auto store = stepped();
  for (int i = 0; i < 10; ++i) {
    store->writer().append(as_bytes("x"));
    submit(*store);
  }
  EXPECT_TRUE(store->step());
  EXPECT_FALSE(store->step());
  EXPECT_EQ(store->reader().end(), 11u);
  EXPECT_EQ(store->metrics().syncs, 1u);
  EXPECT_EQ(store->metrics().group_operations.max(), 10u);
}

TEST_P(StoreContract, AGroupIsBounded) {
  const auto store = stepped({.max_group_bytes = 1});
  store->writer().append(as_bytes("a"));
  store->writer().submit();
  store->writer().append(as_bytes("b"));
  store->writer().submit();
  EXPECT_TRUE(store->step());
  EXPECT_EQ(store->reader().end(), 2u);
  EXPECT_TRUE(store->step());
  EXPECT_EQ(store->reader().end(), 3u);
}

TEST_P(StoreContract, ABatchIsAllOrNothingAcrossAKill) {
  auto store = stepped();
  store->writer().append(as_bytes("a"));
  store->writer().put(Table::sessions, as_bytes("s"), as_bytes("1"));
  commit(*store);
  store->writer().append(as_bytes("b"));
  store->writer().put(Table::sessions, as_bytes("s"), as_bytes("2"));
  store->writer().submit();
  faults_->fail_writes(1, 1000);
  world_->kill(std::move(store));
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "a")));
  EXPECT_THAT(pairs_of(store->reader(), Table::sessions), ElementsAre(Pair("s", "1")));
  EXPECT_EQ(store->writer().next(), 2u);
}

TEST_P(StoreContract, ReopeningGivesBackAll) {
  auto store = stepped();
  store->writer().append(as_bytes("a"));
  store->writer().append(as_bytes("b"));
  store->writer().put(Table::retained, as_bytes("t"), as_bytes("r"));
  store->writer().submit();
  EXPECT_TRUE(store->close());  // commits what was submitted
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "a"), Pair(2, "b")));
  EXPECT_EQ(store->writer().append(as_bytes("c")), 3u);
  store->writer().trim(4);
  commit(*store);
  EXPECT_EQ(store->reader().first(), 4u);
  EXPECT_EQ(store->reader().end(), 4u);
  EXPECT_TRUE(store->close());
  store = stepped();
  EXPECT_EQ(store->reader().first(), 4u);
  EXPECT_EQ(store->reader().end(), 4u);
  EXPECT_EQ(store->writer().append(as_bytes("d")), 4u);
  commit(*store);
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(4, "d")));
  EXPECT_THAT(pairs_of(store->reader(), Table::retained), ElementsAre(Pair("t", "r")));
}

TEST_P(StoreContract, TrimDropsWhatIsBelow) {
  const auto store = stepped();
  for (const char* text : {"a", "b", "c", "d"}) store->writer().append(as_bytes(text));
  store->writer().trim(3);
  store->writer().trim(2);  // lower than before: nothing
  commit(*store);
  std::string record;
  EXPECT_FALSE(store->reader().read(2, record).value());
  EXPECT_TRUE(store->reader().read(3, record).value());
  EXPECT_EQ(store->reader().first(), 3u);
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(3, "c"), Pair(4, "d")));
  store->writer().trim(2);
  EXPECT_TRUE(store->writer().ticket(Durability::fsync).resolved(store->writer().resolved()));
}

TEST_P(StoreContract, AScanStopsWhereItIsTold) {
  const auto store = stepped();
  for (int i = 1; i <= 9; ++i) store->writer().append(as_bytes("12345678"));
  store->writer().trim(3);
  commit(*store);
  const Reader& reader = store->reader();
  std::vector<Position> seen;
  const auto all = [&](Position position, ByteView) {
    seen.push_back(position);
    return true;
  };
  EXPECT_EQ(reader.scan(1, 16, all).next, 5u);
  EXPECT_THAT(seen, ElementsAre(3, 4));
  seen.clear();
  EXPECT_EQ(reader.scan(5, 0, all).next, 6u);  // at least one
  EXPECT_EQ(reader.scan(8, 1000, all).next, 10u);
  EXPECT_EQ(reader.scan(10, 1000, all).next, 10u);
  EXPECT_EQ(reader.scan(12, 1000, all).next, 12u);
  EXPECT_THAT(seen, ElementsAre(5, 8, 9));
  EXPECT_EQ(reader.scan(4, 1000, [](Position position, ByteView) { return position < 6; }).next, 7u);
}

TEST_P(StoreContract, TablesAreApartAndSortedByBytes) {
  const auto store = stepped();
  store->writer().put(Table::sessions, as_bytes("k"), as_bytes("sessions"));
  store->writer().put(Table::wills, as_bytes("k"), as_bytes("wills"));
  store->writer().put(Table::meta, as_bytes("a"), as_bytes(""));
  store->writer().put(Table::meta, as_bytes("a\xff"), as_bytes("1"));
  store->writer().put(Table::meta, as_bytes("a\xff\xff"), as_bytes("2"));
  store->writer().put(Table::meta, as_bytes("b"), as_bytes("3"));
  store->writer().put(Table::meta, as_bytes("\xff"), as_bytes("4"));
  store->writer().put(Table::meta, as_bytes("gone"), as_bytes("5"));
  store->writer().erase(Table::meta, as_bytes("gone"));
  store->writer().erase(Table::meta, as_bytes("never there"));
  store->writer().erase(Table::meta, as_bytes("b"));
  store->writer().put(Table::meta, as_bytes("b"), as_bytes("6"));
  commit(*store);
  const Reader& reader = store->reader();
  std::string value;
  EXPECT_TRUE(reader.get(Table::wills, as_bytes("k"), value).value());
  EXPECT_EQ(value, "wills");
  EXPECT_FALSE(reader.get(Table::retained, as_bytes("k"), value).value());
  EXPECT_THAT(pairs_of(reader, Table::meta), ElementsAre(Pair("a", ""), Pair("a\xff", "1"), Pair("a\xff\xff", "2"),
                                                         Pair("b", "6"), Pair("\xff", "4")));
  EXPECT_THAT(pairs_of(reader, Table::meta, "a\xff"), ElementsAre(Pair("a\xff", "1"), Pair("a\xff\xff", "2")));
  EXPECT_THAT(pairs_of(reader, Table::meta, "\xff"), ElementsAre(Pair("\xff", "4")));
  EXPECT_THAT(pairs_of(reader, Table::meta, "c"), IsEmpty());
  int seen = 0;
  EXPECT_TRUE(reader.scan(Table::meta, {}, [&](ByteView, ByteView) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST_P(StoreContract, LargeRecordsAreKeptWhole) {
  auto store = stepped();
  std::string large(7u << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 4096) large[i] = static_cast<char>(i >> 12);
  store->writer().append(as_bytes(large));
  store->writer().put(Table::retained, as_bytes("t"), as_bytes(large));
  store->writer().append(as_bytes("small"));
  commit(*store);
  world_->kill(std::move(store));
  store = stepped();
  EXPECT_TRUE(log_of(store->reader()) == (std::vector<std::pair<Position, std::string>>{{1, large}, {2, "small"}}));
  std::string value;
  EXPECT_TRUE(store->reader().get(Table::retained, as_bytes("t"), value).value());
  EXPECT_TRUE(value == large);
}

TEST_P(StoreContract, APowerCutTakesNothingThatWasResolvedWithFsync) {
  auto store = stepped();
  for (int i = 0; i < 20; ++i) {
    store->writer().append(as_bytes("x"));
    commit(*store);
  }
  store->writer().append(as_bytes("never committed"));
  store->writer().submit();
  faults_->fail_writes(1, 1000);
  world_->cut_power(std::move(store));
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), SizeIs(20));
}

TEST_P(StoreContract, APowerCutTakesWhatWasOnlyWritten) {
  auto store = stepped();
  store->writer().append(as_bytes("synced"));
  submit(*store, Durability::interval);
  EXPECT_TRUE(store->step(true));
  EXPECT_EQ(store->metrics().unsynced_operations, 0u);
  store->writer().append(as_bytes("written"));
  store->writer().trim(2);
  const Ticket ticket = submit(*store, Durability::interval);
  EXPECT_FALSE(ticket.resolved(store->writer().resolved()));
  EXPECT_TRUE(store->step());
  EXPECT_TRUE(ticket.resolved(store->writer().resolved()));
  EXPECT_EQ(store->metrics().unsynced_operations, 2u);
  EXPECT_EQ(store->metrics().syncs, 1u);
  world_->cut_power(std::move(store));
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "synced")));
}

TEST_P(StoreContract, AKillTakesNothingThatWasWritten) {
  auto store = stepped();
  store->writer().append(as_bytes("written"));
  commit(*store, Durability::interval);
  world_->kill(std::move(store));
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "written")));
}

TEST_P(StoreContract, ATicketInMemoryWaitsForNothingAndIsWrittenBehind) {
  auto store = stepped();
  store->writer().append(as_bytes("a"));
  EXPECT_TRUE(submit(*store, Durability::memory).resolved(0));
  EXPECT_EQ(store->reader().end(), 1u);
  EXPECT_TRUE(store->step());
  EXPECT_EQ(store->metrics().syncs, 0u);
  world_->kill(std::move(store));
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "a")));
}

TEST_P(StoreContract, OneTicketWithFsyncSyncsAllThatIsBeforeIt) {
  auto store = stepped();
  store->writer().append(as_bytes("written"));
  commit(*store, Durability::interval);
  store->writer().append(as_bytes("in memory"));
  submit(*store, Durability::memory);
  store->writer().append(as_bytes("with it"));
  store->writer().ticket(Durability::interval);
  store->writer().append(as_bytes("synced"));
  const Ticket ticket = submit(*store);
  store->writer().append(as_bytes("behind"));
  submit(*store, Durability::interval);
  EXPECT_TRUE(store->step());  // all of them in one group
  EXPECT_TRUE(ticket.resolved(store->writer().resolved()));
  EXPECT_EQ(store->metrics().syncs, 1u);
  EXPECT_EQ(store->metrics().unsynced_operations, 0u);
  world_->cut_power(std::move(store));
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), SizeIs(5));
}

TEST_P(StoreContract, ATicketWithFsyncReachesWhatWasSubmittedWithout) {
  auto store = stepped();
  store->writer().append(as_bytes("a"));
  commit(*store, Durability::memory);
  const Ticket ticket = submit(*store);
  EXPECT_FALSE(ticket.resolved(store->writer().resolved()));
  EXPECT_EQ(store->writer().ticket(Durability::fsync).position(), ticket.position()) << "asked for already";
  EXPECT_TRUE(store->step());
  EXPECT_TRUE(ticket.resolved(store->writer().resolved()));
  EXPECT_FALSE(store->step());
  world_->cut_power(std::move(store));
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "a")));
}

TEST_P(StoreContract, MessagesCountAsUnsafeFromTheirAcknowledgementToTheirSync) {
  const auto store = stepped();
  const auto unsafe = [&] { return store->metrics().unsafe_messages.load(); };
  store->writer().append(as_bytes("f"));
  store->writer().ticket(Durability::fsync, 1);
  EXPECT_EQ(unsafe(), 0u);
  store->writer().append(as_bytes("m"));
  store->writer().ticket(Durability::memory, 2);
  EXPECT_EQ(unsafe(), 2u) << "free at once";
  store->writer().append(as_bytes("i"));
  store->writer().ticket(Durability::interval, 4);
  EXPECT_EQ(unsafe(), 2u) << "not written yet";
  commit(*store);
  EXPECT_EQ(unsafe(), 0u) << "the fsync took the others along";

  store->writer().append(as_bytes("m"));
  store->writer().ticket(Durability::memory, 8);
  store->writer().ticket(Durability::interval, 16);
  commit(*store, Durability::interval);
  EXPECT_EQ(unsafe(), 24u);
  store->writer().append(as_bytes("m"));
  submit(*store, Durability::memory, 32);
  EXPECT_EQ(unsafe(), 56u);
  EXPECT_TRUE(store->step(true));
  EXPECT_EQ(unsafe(), 0u);
}

TEST_P(StoreContract, WhatFailsStaysUnsafe) {
  const auto store = stepped();
  faults_->fail_writes(1);
  store->writer().append(as_bytes("m"));
  store->writer().ticket(Durability::memory, 1);
  store->writer().ticket(Durability::interval, 2);
  store->writer().submit();
  EXPECT_FALSE(store->step());
  EXPECT_EQ(store->metrics().unsafe_messages, 1u);
  faults_->fail_syncs(1);
  EXPECT_TRUE(store->step(true));
  EXPECT_EQ(store->metrics().unsafe_messages, 3u);
  EXPECT_FALSE(store->step(true));
  EXPECT_EQ(store->metrics().unsafe_messages, 0u);
}

TEST_P(StoreContract, AFailedGroupIsTriedAgainBeforeLaterOnes) {
  const auto store = stepped();
  faults_->fail_writes(1, 2);
  store->writer().append(as_bytes("a"));
  const Ticket ticket = submit(*store);
  EXPECT_FALSE(store->step());
  EXPECT_TRUE(store->health().failing);
  EXPECT_EQ(store->health().text, "planned write error");
  EXPECT_FALSE(ticket.resolved(store->writer().resolved()));
  store->writer().append(as_bytes("b"));
  store->writer().submit();
  EXPECT_FALSE(store->step());
  EXPECT_EQ(store->health().failures, 2u);
  EXPECT_TRUE(store->step());
  EXPECT_FALSE(store->health().failing);
  EXPECT_EQ(store->health().text, "");
  EXPECT_TRUE(ticket.resolved(store->writer().resolved()));
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "a")));
  EXPECT_TRUE(store->step());
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(1, "a"), Pair(2, "b")));
  EXPECT_EQ(store->pending_bytes(), 0u);
}

TEST_P(StoreContract, AGroupWhoseAnswerWasLostIsNotDoubled) {
  auto store = stepped();
  store->writer().put(Table::meta, as_bytes("k"), as_bytes("old"));
  commit(*store);
  faults_->fail_writes_behind(1);
  store->writer().append(as_bytes("a"));
  store->writer().append(as_bytes("b"));
  store->writer().put(Table::meta, as_bytes("k"), as_bytes("new"));
  store->writer().trim(2);
  store->writer().submit();
  EXPECT_FALSE(store->step());
  EXPECT_TRUE(store->step());
  EXPECT_TRUE(store->close());
  store = stepped();
  EXPECT_THAT(log_of(store->reader()), ElementsAre(Pair(2, "b")));
  EXPECT_THAT(pairs_of(store->reader(), Table::meta), ElementsAre(Pair("k", "new")));
}

TEST_P(StoreContract, AFailedSyncIsTriedAgain) {
  const auto store = stepped();
  faults_->fail_syncs(1);
  store->writer().append(as_bytes("a"));
  submit(*store, Durability::interval);
  EXPECT_TRUE(store->step(true));
  EXPECT_TRUE(store->health().failing);
  EXPECT_EQ(store->metrics().unsynced_operations, 1u);
  EXPECT_FALSE(store->step(true));  // no group, but the sync
  EXPECT_FALSE(store->health().failing);
  EXPECT_EQ(store->metrics().unsynced_operations, 0u);
}

TEST_P(StoreContract, ClosingSaysWhenSomethingIsNotDurable) {
  const auto store = stepped();
  faults_->fail_writes(1);
  store->writer().append(as_bytes("a"));
  store->writer().submit();
  const Result<void> closed = store->close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().message, "planned write error");
}

TEST_P(StoreContract, WhatComesDuringACommitGoesIntoOneGroup) {
  const auto store = threaded();
  faults_->hold();
  store->writer().append(as_bytes("x"));
  submit(*store);
  faults_->await_held_write();
  Ticket last = Ticket::done();
  for (int i = 0; i < 50; ++i) {
    store->writer().append(as_bytes("x"));
    last = submit(*store);
  }
  EXPECT_EQ(store->writer().resolved(), 0u);
  faults_->release();
  await(*store, last);
  EXPECT_TRUE(store->close());
  EXPECT_EQ(store->metrics().group_operations.count(), 2u);
  EXPECT_EQ(store->metrics().group_operations.max(), 50u);
  EXPECT_EQ(store->metrics().syncs, 2u);
}

TEST_P(StoreContract, TheThreadTriesAgainByItself) {
  const auto store = threaded();
  faults_->fail_writes(2, 3);
  for (int i = 0; i < 2; ++i) {
    store->writer().append(as_bytes("x"));
    await(*store, submit(*store));
  }
  EXPECT_EQ(store->health().failures, 3u);
  EXPECT_FALSE(store->health().failing);
  EXPECT_THAT(log_of(store->reader()), SizeIs(2));
}

TEST_P(StoreContract, TheThreadSyncsBehindTheInterval) {
  const auto store = threaded({.sync_interval_ms = 1});
  store->writer().append(as_bytes("x"));
  await(*store, submit(*store, Durability::interval, 1));
  await([&] { return store->metrics().unsynced_operations == 0; });
  EXPECT_EQ(store->metrics().unsafe_messages, 0u);
  EXPECT_EQ(store->metrics().syncs, 1u);
}

TEST_P(StoreContract, ReadersRunBesideTheWriter) {
  const auto store = threaded();
  std::atomic<bool> stop = false;
  const auto read_on = [&] {
    Position at = 1;
    std::string value;
    while (!stop) {
      const ScanOutcome outcome = store->reader().scan(at, 4096, [&](Position position, ByteView record) {
        EXPECT_EQ(as_text(record), std::to_string(position));
        return true;
      });
      EXPECT_FALSE(outcome.error) << outcome.error->message;
      at = outcome.next;
      EXPECT_TRUE(store->reader().get(Table::meta, as_bytes("k"), value));
      const Position lowest = store->reader().first();
      EXPECT_LE(lowest, store->reader().end());
    }
  };
  std::thread first(read_on);
  std::thread second(read_on);
  for (int turn = 0; turn < 300; ++turn) {
    for (int i = 0; i < 20; ++i) store->writer().append(as_bytes(std::to_string(store->writer().next())));
    store->writer().put(Table::meta, as_bytes("k"), as_bytes(std::to_string(turn)));
    if (turn % 10 == 9) store->writer().trim(store->writer().next() - 50);
    const Ticket ticket = submit(*store);
    if (turn % 50 == 49) await(*store, ticket);
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_EQ(store->reader().end(), 6001u);
  EXPECT_EQ(store->pending_bytes(), 0u);
}

// What a store must hold, kept beside it.
struct Model {
  std::map<Position, std::string> log;
  Position first = 1;
  Position next = 1;
  std::map<std::string, std::string> pairs;
};

TEST_P(StoreContract, RandomTurnsKillsAndPowerCutsMatchAModel) {
  Random random(20);
  auto store = stepped();
  Model synced;
  Model open;
  for (int turn = 0; turn < 200; ++turn) {
    for (std::uint64_t i = random.below(6); i > 0; --i) {
      const std::string text = std::to_string(random.next());
      switch (random.below(4)) {
        case 0:
          open.pairs[text.substr(0, 2)] = text;
          store->writer().put(Table::sessions, as_bytes(text.substr(0, 2)), as_bytes(text));
          break;
        case 1:
          open.pairs.erase(text.substr(0, 2));
          store->writer().erase(Table::sessions, as_bytes(text.substr(0, 2)));
          break;
        case 2:
          open.first = std::max(open.first, open.next - random.below(1 + std::min<Position>(open.next, 10)));
          open.log.erase(open.log.begin(), open.log.lower_bound(open.first));
          store->writer().trim(open.first);
          break;
        default:
          open.log[open.next++] = text;
          store->writer().append(as_bytes(text));
      }
    }
    submit(*store);
    const std::uint64_t fate = random.below(20);
    if (fate < 2) {
      faults_->fail_writes(1, 1000);  // what is open dies with it
      fate == 0 ? world_->kill(std::move(store)) : world_->cut_power(std::move(store));
      store = stepped();
      open = synced;
    } else if (fate < 12) {
      if (fate == 2) faults_->fail_writes_behind(1);
      while (store->pending_bytes() > 0) store->step();
      synced = open;
    }
    ASSERT_THAT(log_of(store->reader()), ::testing::ElementsAreArray(synced.log));
    ASSERT_THAT(pairs_of(store->reader(), Table::sessions), ::testing::ElementsAreArray(synced.pairs));
    ASSERT_EQ(store->reader().first(), synced.first);
    ASSERT_EQ(store->reader().end(), synced.next);
    ASSERT_EQ(store->writer().next(), open.next);
  }
}

}  // namespace
}  // namespace martlet::store::testing
