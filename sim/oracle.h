// What the broker owes to whom, from what the clients have sent and seen on the wire. Where two things race, a message
// may come or not; everything else is exact. Clients are numbers below kMostClients + 1; time is the wall clock's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "sim/catalog.h"
#include "sim/messages.h"
#include "sim/settings.h"

namespace martlet::sim {

// For so long the broker may send its last words on a connection that it has ended.
inline constexpr std::int64_t kLingerMs = 2'000;

struct Moment {
  Step step = 0;
  std::int64_t ms = 0;
};

// A message as it was handed to a client's application.
struct Received {
  MessageId message = 0;
  TopicId topic = 0;
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
};

class Oracle {
 public:
  explicit Oracle(const Settings& settings);

  void begin_step(Step step, std::int64_t now_ms) {
    step_ = step;
    now_ms_ = now_ms;
  }
  Step step() const { return step_; }
  std::int64_t now_ms() const { return now_ms_; }
  Moment now() const { return {step_, now_ms_}; }

  // The first breach is kept.
  void violated(std::string what);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

  // ---- publishers
  // A message that is sent now for the first time.
  MessageId publish(Message message);
  void sent_again(MessageId id) { ++messages_[id].times_sent; }
  // PUBACK or PUBREC came. The message is owed to every session that was surely subscribed all the time.
  void acknowledged(MessageId id);
  void refused(MessageId id);
  // Its publisher gave it up, and a connection has been made since: it is not taken any more.
  void settled(MessageId id);
  const std::vector<Message>& messages() const { return messages_; }

  // ---- subscribers
  void subscribe_sent(std::size_t client, FilterId filter, wire::QoS qos, bool no_local);
  void subscribe_answered(std::size_t client, FilterId filter, wire::QoS granted);
  void unsubscribe_sent(std::size_t client, FilterId filter);
  void unsubscribe_answered(std::size_t client, FilterId filter);
  // The connection ended before the answer.
  void request_lost(std::size_t client, FilterId filter);
  // The client has no connection; its session lives until `until_ms` at least.
  void session_waits(std::size_t client, std::int64_t until_ms) { clients_[client].lives_until_ms = until_ms; }
  void session_resumed(std::size_t client, bool persistent) {
    clients_[client].lives_until_ms = kNever;
    clients_[client].persistent = persistent;
    clients_[client].ending_in = 0;
  }
  // The session ended, or may have: nothing is owed to it any more.
  void session_over(std::size_t client);
  void received(std::size_t client, const Received& received);
  // Whether the client may be subscribed to the topic by that filter.
  bool possible(std::size_t client, FilterId filter) const { return clients_[client].filters[filter].possible; }

  // The broker's machine has lost what was not surer than `level` when it was acknowledged.
  void forgot(Durability level);

  // ---- the log
  // The disk takes nothing now: publishers are refused, who may not hear of it.
  void disk_fails() { disk_failed_ = step_; }
  void logged(ByteView payload, std::uint64_t position);
  // Records below `first` are gone.
  void trimmed(std::uint64_t first);

  // ---- at the end, when everything is at rest
  // `cut_by_limits`: so many deliveries the broker has given up, with a verdict each.
  void check_delivered(std::uint64_t cut_by_limits);
  // Everybody who was surely subscribed since `since` must have it.
  void check_received_since(MessageId id, Step since);
  // What `client`, which subscribed to everything when all was at rest, must have got for each topic.
  void check_retained(std::size_t client);

 private:
  struct Subscription {
    bool possible = false;  // the broker may know of it, or may still send for it
    bool certain = false;   // the broker knows of it
    bool no_local = false;  // perhaps
    wire::QoS least_qos = wire::QoS::at_most_once;
  };
  struct Client {
    std::array<Subscription, kFilterCount> filters{};
    std::array<std::uint8_t, kTopicCount> certain_qos{};  // by all its filters together, shared ones apart
    std::array<Step, kTopicCount> certain_since{};        // kNoStep: not certain at QoS 1 or 2
    bool no_local = false;                                // some subscription of this session has, or had, no local
    std::uint32_t shared_topics = 0;                      // that it may get through shared subscriptions
    std::uint32_t topics = 0;                             // that it may get at all
    bool persistent = false;
    std::int64_t lives_until_ms = kNever;
    std::vector<MessageId> owed;
    std::uint32_t ending_in = 0;  // groups of the session that it gave up, which the broker may still keep
  };
  struct Group {
    std::uint32_t members = 0;  // certain ones
    Step since = kNoStep;       // it had at least one
    Step session_ended = 0;     // of a member, the last one
    std::vector<MessageId> owed;
  };
  using LastByQos = std::array<std::array<MessageId, 3>, 3>;  // by QoS of the message and of the delivery

  bool got(std::size_t client, MessageId id) const { return (messages_[id].got >> client) & 1; }
  bool gone(MessageId id) const { return messages_[id].expires_ms <= now_ms_; }
  void update(std::size_t client);
  void join(std::size_t client, FilterId filter);
  void leave(std::size_t client, FilterId filter);
  void session_ended(Group& group);
  void owe(std::vector<MessageId>& owed, std::size_t client, MessageId id);
  bool may_be_forgotten(const Message& message) const;
  void check_order(std::size_t client, const Received& received);
  void check_once(std::size_t client, const Received& received);
  // The client may get copies of one message on the topic, each through another subscription.
  bool overlapping(const Client& client, TopicId topic) const;
  bool superseded(const std::vector<MessageId>& retained, Step settled) const;
  std::string describe(MessageId id) const;

  const Settings& settings_;
  Step step_ = 0;
  Step disk_failed_ = 0;                // for the last time
  std::array<Step, 3> forgot_level_{};  // for the last time, by level
  std::int64_t now_ms_ = 0;
  std::string failure_;
  std::vector<Message> messages_;
  std::array<Client, kMostClients + 1> clients_;
  std::array<Group, kGroups> groups_;
  // By subscriber, publisher and topic: the number, plus one, of the last message delivered for the first time.
  std::array<std::array<std::array<LastByQos, kTopicCount>, kMostClients + 1>, kMostClients + 1> last_{};
};

}  // namespace martlet::sim
