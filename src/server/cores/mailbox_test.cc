#include "server/cores/mailbox.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace martlet::server {
namespace {

struct Notes : Mailbox::Reader {
  void answered(const broker::QuestionId& question, const broker::AuthDecision& decision) override {
    heard.push_back(fmt::format("auth {} {}", question.number, decision.username));
  }
  void answered(const broker::QuestionId& question, const broker::AccessDecision& decision) override {
    heard.push_back(fmt::format("access {} {}", question.number, decision.allowed));
  }
  std::vector<std::string> heard;
};

TEST(Mailbox, LettersComeInOrderAndWakeOnce) {
  int woken = 0;
  Mailbox mailbox([&] { ++woken; });
  Notes notes;
  mailbox.read(notes);
  EXPECT_TRUE(notes.heard.empty());
  broker::AuthDecision decision;
  decision.username = "ada";
  mailbox.answer({{}, 1}, decision);
  mailbox.answer({{}, 2}, broker::AccessDecision::deny("rule"));
  mailbox.post([&] { notes.heard.push_back("task"); });
  EXPECT_EQ(woken, 1);
  mailbox.read(notes);
  EXPECT_EQ(notes.heard, (std::vector<std::string>{"auth 1 ada", "access 2 false", "task"}));
  mailbox.read(notes);
  EXPECT_EQ(notes.heard.size(), 3u);
  mailbox.post([&] { notes.heard.push_back("again"); });
  EXPECT_EQ(woken, 2);
  mailbox.read(notes);
  EXPECT_EQ(notes.heard.back(), "again");
}

TEST(Mailbox, NothingIsLostBetweenThreads) {
  constexpr int kEach = 20'000;
  std::atomic<int> wakes = 0;
  Mailbox mailbox([&] { ++wakes; });
  Notes notes;
  int done = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) mailbox.post([&] { ++done; });
    });
  }
  while (done < 3 * kEach) mailbox.read(notes);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 3 * kEach);
  EXPECT_GT(wakes.load(), 0);
}

}  // namespace
}  // namespace martlet::server
