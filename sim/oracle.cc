#include "sim/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace martlet::sim {

using wire::QoS;

Oracle::Oracle(const Settings& settings) : settings_(settings) {
  for (Client& client : clients_) client.certain_since.fill(kNoStep);
}

void Oracle::violated(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
}

std::string Oracle::describe(MessageId id) const {
  const Message& message = messages_[id];
  return fmt::format("message {} (of c{}, topic {}, QoS {}{}{}, sent in step {}, log position {})", id,
                     message.publisher, kTopics[message.topic], static_cast<unsigned>(message.qos),
                     message.retain ? ", retained" : "", message.will ? ", a will" : "", message.sent,
                     message.position);
}

// ---- publishers

MessageId Oracle::publish(Message message) {
  message.sent = step_;
  messages_.push_back(message);
  return static_cast<MessageId>(messages_.size() - 1);
}

void Oracle::owe(std::vector<MessageId>& owed, std::size_t client, MessageId id) {
  constexpr std::size_t kMany = 64;
  if (owed.size() >= kMany) {
    std::erase_if(owed, [&](MessageId each) { return got(client, each); });
  }
  owed.push_back(id);
}

void Oracle::acknowledged(MessageId id) {
  Message& message = messages_[id];
  if (message.acknowledged) return;
  message.acknowledged = true;
  message.settled = step_;
  message.forgotten = may_be_forgotten(message);
  if (message.erases || message.forgotten) return;
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    Client& client = clients_[number];
    const bool own = number == message.publisher && client.no_local;
    if (client.certain_since[message.topic] < message.sent && !own && !got(number, id)) owe(client.owed, number, id);
  }
  for (std::size_t number = 0; number < kGroups; ++number) {
    Group& group = groups_[number];
    if (!matches(static_cast<FilterId>(kFirstShared + number), message.topic) || group.since >= message.sent) continue;
    if (message.qos == QoS::exactly_once && group.session_ended >= message.sent) continue;
    if (message.got == 0) group.owed.push_back(id);
  }
}

bool Oracle::may_be_forgotten(const Message& message) const {
  const Durability level = broker::level_of(settings_.broker.durability, kTopics[message.topic]);
  return message.sent <= forgot_level_[static_cast<std::size_t>(level)];
}

void Oracle::forgot(Durability level) {
  constexpr std::size_t kLevels = 3;
  for (auto each = static_cast<std::size_t>(level); each < kLevels; ++each) forgot_level_[each] = step_;
  for (Message& message : messages_) message.forgotten |= message.acknowledged && may_be_forgotten(message);
  const auto forgotten = [this](MessageId id) { return messages_[id].forgotten; };
  for (Client& client : clients_) std::erase_if(client.owed, forgotten);
  for (Group& group : groups_) std::erase_if(group.owed, forgotten);
}

void Oracle::refused(MessageId id) {
  Message& message = messages_[id];
  message.refused = true;
  message.settled = step_;
  if (message.got != 0 && message.times_sent == 1) violated(describe(id) + " was refused after it was delivered");
}

void Oracle::settled(MessageId id) {
  messages_[id].settled = std::min(messages_[id].settled, step_);
}

// ---- subscriptions

void Oracle::update(std::size_t number) {
  Client& client = clients_[number];
  client.certain_qos.fill(0);
  for (FilterId filter = 0; filter < kFilterCount; ++filter) {
    const Subscription& subscription = client.filters[filter];
    if (!subscription.possible) continue;
    client.no_local |= subscription.no_local;
    client.topics |= kFilters[filter].topics;
    if (kFilters[filter].group != 0) {
      client.shared_topics |= kFilters[filter].topics;
      continue;
    }
    for (TopicId topic = 0; topic < kTopicCount; ++topic) {
      if (!matches(filter, topic)) continue;
      if (!subscription.certain) continue;
      client.certain_qos[topic] =
          std::max(client.certain_qos[topic], static_cast<std::uint8_t>(subscription.least_qos));
    }
  }
  for (TopicId topic = 0; topic < kTopicCount; ++topic) {
    Step& since = client.certain_since[topic];
    if (client.certain_qos[topic] == 0) {
      since = kNoStep;
    } else if (since == kNoStep) {
      since = step_;
    }
  }
}

void Oracle::join(std::size_t client, FilterId filter) {
  if (kFilters[filter].group == 0) return;
  Group& group = groups_[kFilters[filter].group - 1u];
  if (group.members == 0) group.since = step_;
  group.members |= 1u << client;
}

// What a member had begun to receive at QoS 2 ends with its session [MQTT-4.8.2-5].
void Oracle::session_ended(Group& group) {
  group.session_ended = step_;
  std::erase_if(group.owed, [this](MessageId id) { return messages_[id].qos == QoS::exactly_once; });
}

void Oracle::leave(std::size_t client, FilterId filter) {
  if (kFilters[filter].group == 0) return;
  Group& group = groups_[kFilters[filter].group - 1u];
  group.members &= ~(1u << client);
  if (group.members != 0) return;
  group.since = kNoStep;
  group.owed.clear();
}

void Oracle::subscribe_sent(std::size_t client, FilterId filter, QoS qos, bool no_local) {
  Subscription& subscription = clients_[client].filters[filter];
  subscription.no_local = no_local || (subscription.possible && subscription.no_local);
  subscription.least_qos = subscription.certain ? std::min(subscription.least_qos, qos) : qos;
  subscription.possible = true;
  update(client);
}

void Oracle::subscribe_answered(std::size_t client, FilterId filter, QoS granted) {
  Subscription& subscription = clients_[client].filters[filter];
  subscription.certain = true;
  subscription.least_qos = granted;
  join(client, filter);
  update(client);
}

void Oracle::unsubscribe_sent(std::size_t client, FilterId filter) {
  clients_[client].filters[filter].certain = false;
  leave(client, filter);
  update(client);
}

// Messages that were on their way may still come, so it stays possible.
void Oracle::unsubscribe_answered(std::size_t, FilterId) {}

void Oracle::request_lost(std::size_t, FilterId) {}

void Oracle::session_over(std::size_t number) {
  Client& client = clients_[number];
  for (FilterId filter = 0; filter < kFilterCount; ++filter) {
    if (!client.filters[filter].possible) continue;
    if (kFilters[filter].group != 0) client.ending_in |= 1u << (kFilters[filter].group - 1u);
    leave(number, filter);
  }
  // Once when the client gives it up, and again when the broker says so: meanwhile it may have given it more.
  for (std::size_t group = 0; group < kGroups; ++group) {
    if ((client.ending_in >> group) & 1) session_ended(groups_[group]);
  }
  client.filters = {};
  client.no_local = false;
  client.topics = client.shared_topics = 0;
  client.lives_until_ms = kNever;
  client.owed.clear();
  update(number);
  for (auto& by_topic : last_[number]) by_topic = {};
  for (Message& message : messages_) message.got_exactly_once &= ~(1u << number);
}

// ---- deliveries

void Oracle::received(std::size_t number, const Received& received) {
  Message& message = messages_[received.message];
  const Client& client = clients_[number];
  if (received.topic != message.topic) return violated(describe(received.message) + " came under another topic");
  if (received.qos > message.qos) return violated(describe(received.message) + " came at a higher QoS");
  if (!((client.topics >> message.topic) & 1)) {
    return violated(fmt::format("{} came to c{}, which is not subscribed", describe(received.message), number));
  }
  if (message.refused && message.times_sent == 1) {
    return violated(fmt::format("{} came to c{} though it was refused", describe(received.message), number));
  }
  if (!message.retain) {
    if (received.retain) return violated(describe(received.message) + " came as a retained message");
    check_once(number, received);
    check_order(number, received);
  }
  message.got |= 1u << number;
}

// A shared subscription gives a copy of its own.
bool Oracle::overlapping(const Client& client, TopicId topic) const {
  if ((client.shared_topics >> topic) & 1) return true;
  if (settings_.broker.overlap == broker::OverlapDelivery::merged) return false;
  std::size_t filters = 0;
  for (FilterId filter = 0; filter < kFilterCount; ++filter) {
    filters += client.filters[filter].possible && matches(filter, topic);
  }
  return filters > 1;
}

void Oracle::check_once(std::size_t number, const Received& received) {
  Message& message = messages_[received.message];
  if (received.qos != QoS::exactly_once) return;
  if (!overlapping(clients_[number], message.topic) && ((message.got_exactly_once >> number) & 1)) {
    return violated(fmt::format("{} came to c{} twice", describe(received.message), number));
  }
  message.got_exactly_once |= 1u << number;
}

void Oracle::check_order(std::size_t number, const Received& received) {
  const Message& message = messages_[received.message];
  const Client& client = clients_[number];
  if (got(number, received.message) || message.will || message.expires_ms != kNever || settings_.short_queues) return;
  if ((client.shared_topics >> message.topic) & 1) return;
  if (number == message.publisher && client.no_local) return;
  // It may have been refused without its publisher's knowing, and be taken the second time.
  if (message.times_sent > 1 && disk_failed_ >= message.sent) return;
  // Who was subscribed only when it was sent again has missed what was first sent with it.
  if (client.certain_since[message.topic] >= message.sent) return;
  // At QoS 0 it may be missed when it is sent first, and come when it is sent again.
  if (received.qos == QoS::at_most_once && message.qos != QoS::at_most_once) return;
  MessageId& last = last_[number][message.publisher][message.topic][static_cast<std::size_t>(message.qos)]
                         [static_cast<std::size_t>(received.qos)];
  if (last > received.message + 1) {
    return violated(
        fmt::format("{} came to c{} behind the later {}", describe(received.message), number, describe(last - 1)));
  }
  last = received.message + 1;
}

// ---- the log

void Oracle::logged(ByteView payload, std::uint64_t position) {
  if (const auto id = read_payload(payload, messages_)) messages_[*id].position = position;
}

void Oracle::trimmed(std::uint64_t first) {
  if (settings_.short_queues) return;
  for (std::size_t number = 0; number < settings_.clients.size(); ++number) {
    const Client& client = clients_[number];
    if (!client.persistent || client.lives_until_ms <= now_ms_) continue;
    for (const MessageId id : client.owed) {
      const Message& message = messages_[id];
      if (message.position == 0 || message.position >= first || got(number, id) || gone(id)) continue;
      return violated(fmt::format("the log was trimmed to {}, but c{} is owed {}", first, number, describe(id)));
    }
  }
}

}  // namespace martlet::sim
