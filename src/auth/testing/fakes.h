// What chains and their workers are built on, for tests: a log that keeps its lines, answers that can be waited for, a
// clock that is moved by hand, files in memory.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "broker/ports.h"
#include "env/clock.h"
#include "env/files.h"

namespace martlet::auth::testing {

class HandClock final : public env::Clock {
 public:
  Now now() override { return {mono_ms, wall_ms}; }
  std::atomic<std::int64_t> mono_ms = 1'000;
  std::atomic<std::int64_t> wall_ms = 1'800'000'000'000;
};

class KeptLog final : public broker::Log {
 public:
  bool wants(broker::LogLevel) const override { return true; }
  std::vector<std::string> warnings() const {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  // Whom the last entry was about.
  std::string last_client() const {
    const std::lock_guard lock(mutex_);
    return last_client_;
  }
  std::string last_user() const {
    const std::lock_guard lock(mutex_);
    return last_user_;
  }

 private:
  void put(broker::LogLevel level, std::string_view text, const broker::LogSubject& subject) override {
    const std::lock_guard lock(mutex_);
    if (level >= broker::LogLevel::warning) warnings_.emplace_back(text);
    all_ += std::string(text) + "\n";
    last_client_ = subject.client;
    last_user_ = subject.user;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> warnings_;
  std::string all_;
  std::string last_client_;
  std::string last_user_;
};

class FakeAnswers final : public broker::Answers {
 public:
  void answer(const broker::QuestionId& question, broker::AuthDecision decision) override {
    const std::lock_guard lock(mutex_);
    decisions_[question.number] = std::move(decision);
    came_.notify_all();
  }
  void answer(const broker::QuestionId&, broker::AccessDecision) override {}

  // The answer to the question with this number; waits for it.
  broker::AuthDecision wait(std::uint32_t number) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return decisions_.contains(number); });
    return decisions_.at(number);
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::map<std::uint32_t, broker::AuthDecision> decisions_;
};

class FileMap final : public env::Files {
 public:
  std::map<std::string, std::string> files;
  bool open_to_others = false;

  Result<std::string> read_all(const std::string& path, std::size_t max_bytes) override {
    const auto file = files.find(path);
    if (file == files.end()) return fail("cannot open '" + path + "': No such file or directory", 2);
    if (file->second.size() > max_bytes) return fail("'" + path + "' is too large");
    return file->second;
  }
  Result<void> write_all(const std::string&, ByteView) override { return fail("not here"); }
  Result<void> append(const std::string&, ByteView) override { return fail("not here"); }
  bool others_may_read(const std::string&) override { return open_to_others; }
  env::IoOutcome read_some(env::Handle, std::span<std::uint8_t>) override { return {env::IoStatus::closed, 0, 0}; }
  Result<void> write_stream(env::Handle, ByteView) override { return {}; }
};

}  // namespace martlet::auth::testing
