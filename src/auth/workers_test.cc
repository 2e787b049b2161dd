#include "auth/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace martlet::auth {
namespace {

TEST(Workers, CallEveryJobOnce) {
  std::atomic<int> called = 0;
  {
    Workers workers(4, 1'000);
    for (int i = 0; i < 1'000; ++i) {
      while (!workers.submit([&] { ++called; })) std::this_thread::yield();
    }
  }
  EXPECT_EQ(called, 1'000);
}

TEST(Workers, TellThatTooManyWait) {
  std::promise<void> begun;
  std::promise<void> release;
  std::atomic<int> called = 0;
  Workers workers(1, 2);
  ASSERT_TRUE(workers.submit([&] {
    begun.set_value();
    release.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(workers.submit([&] { ++called; }));
  EXPECT_TRUE(workers.submit([&] { ++called; }));
  EXPECT_EQ(workers.waiting(), 2u);
  EXPECT_FALSE(workers.submit([&] { called = 100; }));
  release.set_value();
  workers.stop(60'000);
  EXPECT_EQ(called, 2);
  EXPECT_FALSE(workers.submit([&] { called = 100; }));
  EXPECT_EQ(called, 2);
}

TEST(Workers, LeaveBehindWhatDoesNotEndAndShutTheDoor) {
  struct Gate {
    std::promise<void> begun;
    std::promise<void> release;
    std::promise<bool> passed;
  };
  const auto gate = std::make_shared<Gate>();
  std::atomic<bool> second = false;
  bool touched = false;
  std::shared_ptr<Workers::Door> door;
  {
    Workers workers(1, 2);
    door = workers.door();
    EXPECT_TRUE(door->pass([] {}));
    ASSERT_TRUE(workers.submit([gate, door, &touched] {
      gate->begun.set_value();
      gate->release.get_future().wait();
      gate->passed.set_value(door->pass([&] { touched = true; }));
    }));
    ASSERT_TRUE(workers.submit([&] { second = true; }));
    gate->begun.get_future().wait();
    workers.stop(0);
  }
  EXPECT_FALSE(door->pass([] {}));
  gate->release.set_value();
  EXPECT_FALSE(gate->passed.get_future().get());
  EXPECT_FALSE(touched);
  EXPECT_FALSE(second);
}

}  // namespace
}  // namespace martlet::auth
