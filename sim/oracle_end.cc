// What must hold when everything is at rest.
#include <fmt/format.h>

#include <algorithm>

#include "sim/oracle.h"

namespace martlet::sim {

using wire::QoS;

void Oracle::check_delivered(std::uint64_t cut_by_limits) {
  std::uint64_t missing = 0;
  std::string first;
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    for (const MessageId id : clients_[number].owed) {
      if (got(number, id) || gone(id)) continue;
      if (missing++ == 0) first = fmt::format("c{} never got {}", number, describe(id));
    }
  }
  for (std::size_t number = 0; number < kGroups; ++number) {
    for (const MessageId id : groups_[number].owed) {
      if (messages_[id].got != 0 || gone(id)) continue;
      if (missing++ == 0) first = fmt::format("no member of shared subscription {} got {}", number + 1, describe(id));
    }
  }
  if (missing <= (settings_.short_queues ? cut_by_limits : 0)) return;
  violated(fmt::format("{} ({} missing, {} cut by limits)", first, missing, cut_by_limits));
}

void Oracle::check_received_since(MessageId id, Step since) {
  const Message& message = messages_[id];
  if (message.qos == QoS::at_most_once || settings_.short_queues) return;
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    const Client& client = clients_[number];
    const bool own = number == message.publisher && client.no_local;
    if (client.certain_since[message.topic] >= since || own || got(number, id)) continue;
    return violated(fmt::format("c{} never got {}, due since step {}", number, describe(id), since));
  }
}

// A message that was acknowledged replaced everything that was over before it was sent.
bool Oracle::superseded(const std::vector<MessageId>& retained, Step settled) const {
  return std::any_of(retained.begin(), retained.end(), [&](MessageId id) {
    return messages_[id].acknowledged && !messages_[id].forgotten && messages_[id].sent > settled;
  });
}

void Oracle::check_retained(std::size_t client) {
  for (TopicId topic = 0; topic < kTopicCount; ++topic) {
    std::vector<MessageId> retained;
    for (MessageId id = 0; id < messages_.size(); ++id) {
      if (messages_[id].retain && messages_[id].topic == topic) retained.push_back(id);
    }
    bool may_be_none = !superseded(retained, 0);
    bool found = false;
    for (const MessageId id : retained) {
      const Message& message = messages_[id];
      const bool old = superseded(retained, message.settled);
      may_be_none |= message.erases && !old;
      if (!got(client, id)) continue;
      found = true;
      if (old) return violated("a new subscriber got " + describe(id) + ", which had been replaced");
    }
    if (!found && !may_be_none) {
      return violated(fmt::format("a new subscriber got no retained message of topic {}", kTopics[topic]));
    }
  }
}

}  // namespace martlet::sim
