// What other threads have for a core: answers to its broker's questions, and things to do. Any thread puts in; the core
// takes out, once a turn.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "broker/ports.h"

namespace martlet::server {

class Mailbox final : public broker::Answers {
 public:
  // Who opens the letters: the core, on its thread.
  class Reader {
   public:
    virtual ~Reader() = default;
    virtual void answered(const broker::QuestionId& question, const broker::AuthDecision& decision) = 0;
    virtual void answered(const broker::QuestionId& question, const broker::AccessDecision& decision) = 0;
  };

  // `wake` ends the core's wait; any thread calls it.
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void answer(const broker::QuestionId& question, broker::AuthDecision decision) override;
  void answer(const broker::QuestionId& question, broker::AccessDecision decision) override;
  // Runs `task` on the core's thread. What is posted behind the core's last turn is dropped.
  void post(std::function<void()> task);

  // The core: opens all letters in their order. Cheap when there is none.
  void read(Reader& reader);

 private:
  struct Letter {
    broker::QuestionId question;
    enum class Kind : std::uint8_t { authentication, access, task };
    Kind kind = Kind::task;
    broker::AuthDecision authentication;
    broker::AccessDecision access;
    std::function<void()> task;
  };
  void put(Letter letter);

  const std::function<void()> wake_;
  std::atomic<bool> full_ = false;  // there are letters
  std::mutex mutex_;                // guards what follows
  std::vector<Letter> letters_;
};

}  // namespace martlet::server
