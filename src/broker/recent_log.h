// The newest messages of the log in memory, shared by all sessions that read on from it, so that only who is far behind
// reads the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "session/delivery.h"

namespace martlet::broker {

class RecentLog {
 public:
  // Subscription identifiers of a session that has several, which no LoggedDelivery can name.
  using ManyIdentifiers = std::vector<std::pair<std::uint64_t, session::SubscriptionIdentifiers>>;  // by session key
  struct Entry {
    std::uint64_t position = 0;
    session::MessageRef message;
    std::unique_ptr<ManyIdentifiers> identifiers;
    std::uint64_t cost_bytes = 0;
  };

  // The message takes `position`, which is above all others.
  void push(std::uint64_t position, const session::MessageRef& message);
  // The message pushed last did not go to the log.
  void withdraw();
  // Of the message pushed last.
  void keep_identifiers(std::uint64_t session_key, const session::SubscriptionIdentifiers& identifiers);
  // Null when it is not, or no longer, here. Valid until the next change.
  const Entry* find(std::uint64_t position) const;
  // Forgets the oldest beyond `max_bytes`, but nothing from `unreadable` on: that cannot be read from the disk yet.
  void shrink(std::uint64_t max_bytes, std::uint64_t unreadable);
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::deque<Entry> entries_;
  std::uint64_t bytes_ = 0;
};

}  // namespace martlet::broker
