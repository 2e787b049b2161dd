#include "server/cores/mailbox.h"

namespace martlet::server {

void Mailbox::answer(const broker::QuestionId& question, broker::AuthDecision decision) {
  Letter letter;
  letter.question = question;
  letter.kind = Letter::Kind::authentication;
  letter.authentication = std::move(decision);
  put(std::move(letter));
}

void Mailbox::answer(const broker::QuestionId& question, broker::AccessDecision decision) {
  Letter letter;
  letter.question = question;
  letter.kind = Letter::Kind::access;
  letter.access = decision;
  put(std::move(letter));
}

void Mailbox::post(std::function<void()> task) {
  Letter letter;
  letter.task = std::move(task);
  put(std::move(letter));
}

void Mailbox::put(Letter letter) {
  {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
    // Who put in the first one has woken the core, which takes all.
    if (full_.exchange(true)) return;
  }
  wake_();
}

void Mailbox::read(Reader& reader) {
  if (!full_.load(std::memory_order_relaxed)) return;
  std::vector<Letter> letters;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(letters_);
    full_ = false;
  }
  for (Letter& letter : letters) {
    switch (letter.kind) {
      case Letter::Kind::authentication:
        reader.answered(letter.question, letter.authentication);
        break;
      case Letter::Kind::access:
        reader.answered(letter.question, letter.access);
        break;
      case Letter::Kind::task:
        letter.task();
        break;
    }
  }
}

}  // namespace martlet::server
