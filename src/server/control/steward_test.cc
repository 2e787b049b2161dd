#include "server/control/steward.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>

#include "env/posix/system.h"

namespace martlet::server {
namespace {

// Counts what a steward does, and waits for it.
class Events {
 public:
  void happen(const std::string& what) {
    const std::lock_guard lock(mutex_);
    happened_.push_back(what);
    changed_.notify_all();
  }
  bool wait_for(const std::string& what, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return static_cast<std::size_t>(std::count(happened_.begin(), happened_.end(), what)) >= times;
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> happened_;
};

class StewardTest : public testing::Test {
 protected:
  StewardTest() {
    char pattern[] = "/tmp/martlet-steward-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~StewardTest() override {
    ::unlink((directory_ + "/certificate").c_str());
    ::rmdir(directory_.c_str());
  }

  StewardTasks tasks() {
    StewardTasks tasks;
    tasks.reload = [&] { events_.happen("reload"); };
    tasks.reload_watched = [&] { events_.happen("watched"); };
    tasks.watched_files = [&] { return std::vector{directory_ + "/certificate"}; };
    tasks.daily = [&] { events_.happen("daily"); };
    tasks.answer = [&](std::string_view question) {
      events_.happen(std::string(question));
      return "{}";
    };
    tasks.ask_cores = [](const std::function<void()>& turned) { turned(); };
    return tasks;
  }

  void write_certificate(const char* text) {
    FILE* file = std::fopen((directory_ + "/certificate").c_str(), "w");
    std::fputs(text, file);
    std::fclose(file);
  }

  std::string directory_;
  Events events_;
  std::unique_ptr<env::Clock> clock_ = env::posix::make_clock();
  env::posix::ServiceManager manager_;
};

TEST_F(StewardTest, ReloadsWhenToldAndWhenAFileChanged) {
  write_certificate("one");
  Steward steward(std::move(*env::posix::LocalServer::without_socket()), manager_, *clock_, tasks());
  steward.start();
  steward.request_reload();
  EXPECT_TRUE(events_.wait_for("reload"));
  write_certificate("another one");
  EXPECT_TRUE(events_.wait_for("watched"));
}

TEST_F(StewardTest, AnswersQuestions) {
  const std::string path = directory_ + "/control.sock";
  Steward steward(std::move(*env::posix::LocalServer::open(path)), manager_, *clock_, tasks());
  steward.start();
  const auto answer = env::posix::ask_local(path, "how are you", 10'000);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "{}");
  EXPECT_TRUE(events_.wait_for("how are you"));
}

}  // namespace
}  // namespace martlet::server
