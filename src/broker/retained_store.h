// The last retained message of each topic [3.3.1.3].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/options.h"
#include "session/message.h"
#include "topic/retained_index.h"

namespace martlet::broker {

struct RetainedMessage {
  session::MessageRef message;
  std::uint64_t version = 0;  // counts all changes, so that a cursor can tell what came after it
};

class RetainedStore {
 public:
  RetainedStore(const BrokerOptions& options, std::uint64_t seed) : options_(options), index_(seed) {}

  // Replaces the topic's message, or erases it if the payload is empty [MQTT-3.3.1-6]. False if the store is full:
  // nothing changed.
  bool store(const session::MessageRef& message);
  void erase(std::string_view topic);
  const topic::RetainedIndex<RetainedMessage>& index() const { return index_; }

  std::uint64_t version() const { return version_; }
  std::size_t messages() const { return index_.size(); }
  // Of the messages and of their topics' places in the index: what options.max_retained_bytes bounds.
  std::uint64_t bytes() const { return message_bytes_ + index_.used_bytes(); }
  bool any_can_expire() const { return can_expire_ > 0; }

  // Erases expired ones among the next `most` messages of an endless round; for the verdicts it calls
  // visit(topic) before each.
  template <class Visitor>
  void sweep(const Now& now, std::size_t most, Visitor&& visit);

 private:
  void forget(const session::MessageRef& message);

  const BrokerOptions& options_;
  topic::RetainedIndex<RetainedMessage> index_;
  std::uint64_t version_ = 0;
  std::uint64_t message_bytes_ = 0;
  std::size_t can_expire_ = 0;
  std::string swept_to_;
};

template <class Visitor>
void RetainedStore::sweep(const Now& now, std::size_t most, Visitor&& visit) {
  std::vector<std::string> expired;
  const bool end = index_.visit_all(swept_to_, [&](std::string_view topic, const RetainedMessage& retained) {
    if (most == 0) return false;
    --most;
    swept_to_ = topic;
    if (retained.message->expired(now)) expired.emplace_back(topic);
    return true;
  });
  if (end) swept_to_.clear();
  for (const std::string& topic : expired) {
    visit(topic);
    erase(topic);
  }
}

}  // namespace martlet::broker
