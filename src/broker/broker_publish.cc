// Messages: from a publisher to everyone who is owed them.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "broker/broker.h"
#include "topic/name.h"

namespace martlet::broker {

using session::Delivery;
using session::DropReason;
using session::MessageRef;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

bool is_reserved_topic(std::string_view topic) {
  if (!topic.starts_with('$')) return false;
  const auto below = [&](std::string_view root) {
    return topic.starts_with(root) && (topic.size() == root.size() || topic[root.size()] == '/');
  };
  return below("$SYS") || below("$share");
}

namespace {

constexpr std::uint8_t kMostHopsForRoom = 2;

// With more sessions, $SYS leaves out what they hold: to visit them all would hold up the loop's turn.
constexpr std::size_t kSysQueueSessions = 50'000;

// What a delivery to the session reads first: with many receivers little of it is in the cache.
void prefetch(const Session* session) {
  if (!session) return;
  __builtin_prefetch(&session->state.outgoing);
  const auto* connection = reinterpret_cast<const std::uint8_t*>(session->connection);
  if (!connection) return;
  constexpr std::size_t kLineBytes = 64;
  for (std::size_t at = 0; at < sizeof(Connection); at += kLineBytes) __builtin_prefetch(connection + at);
}

// The decoder has seen to all but the number of levels, of which a short topic cannot have too many.
topic::Validity check_topic(std::string_view topic, std::size_t max_levels) {
  return topic.size() < max_levels ? topic::Validity::ok : topic::check_name(topic, max_levels);
}

// Each once, by their numbers: the order must not depend on where they are in memory.
void in_order(std::vector<Session*>& sessions) {
  std::sort(sessions.begin(), sessions.end(),
            [](const Session* one, const Session* other) { return one->number < other->number; });
  sessions.erase(std::unique(sessions.begin(), sessions.end()), sessions.end());
}

DeadlineMs expiry_deadline(const Now& now, std::optional<std::uint32_t> expiry_s) {
  if (!expiry_s) return kNever;
  // An interval of 0 reaches those who can take it at once and nobody else.
  return *expiry_s == 0 ? now.mono_ms + 1 : deadline_in_s(now, *expiry_s);
}

}  // namespace

// ---- a PUBLISH arrives

// Whether it is a topic for clients at all; if not, the publisher has its answer.
bool Broker::is_legal(Connection& connection, const wire::Publish& publish, const Now& now) {
  const topic::Validity validity = check_topic(publish.topic, options_.max_topic_levels);
  if (validity == topic::Validity::ok) {
    if (!is_reserved_topic(publish.topic)) return true;
    refuse_publish(connection, publish, "the topic is the broker's own", now);
    return false;
  }
  const std::string_view rule = topic::to_text(validity);
  verdicts_.record({VerdictReason::invalid_topic, connection.session->client_id, publish.topic, rule}, now);
  ++counters_.publish_dropped;
  connection.endpoint.publish_done(publish, Ticket::done(), ReasonCode::topic_name_invalid, rule,
                                   ports_.transport.outbox(connection.id));
  return false;
}

void Broker::refuse_publish(Connection& connection, const wire::Publish& publish, const char* rule, const Now& now) {
  deny(*connection.session, DeniedAction::publish, publish.topic, rule, now);
  ++counters_.publish_dropped;
  connection.endpoint.publish_done(publish, Ticket::done(), ReasonCode::not_authorized, rule,
                                   ports_.transport.outbox(connection.id));
}

bool Broker::is_too_long(ByteView payload) const {
  return options_.max_payload_bytes != 0 && payload.size() > options_.max_payload_bytes;
}

// "Packet too large" is not for acknowledgements [3.4.2.1].
void Broker::refuse_length(Connection& connection, const wire::Publish& publish, const Now& now) {
  constexpr const char* kRule = "limits.max_payload_size";
  verdicts_.record({VerdictReason::too_large, connection.session->client_id, publish.topic, kRule}, now);
  ++counters_.publish_dropped;
  connection.endpoint.publish_done(publish, Ticket::done(), ReasonCode::implementation_specific_error, kRule,
                                   ports_.transport.outbox(connection.id));
}

void Broker::on_publish(Connection& connection, const wire::Publish& publish, const Now& now) {
  ++counters_.publish_received;
  counters_.publish_bytes_received += publish.payload.size();
  if (connection.aside->quota) charge(connection, publish, now);
  if (!is_legal(connection, publish, now)) return;
  const std::string& mount_point = connection.policy->mount_point;
  if (mount_point.empty()) return ask_to_publish(connection, publish, now);
  wire::Publish whole = publish;
  whole_topic_.assign(mount_point).append(publish.topic);
  whole.topic = whole_topic_;
  if (is_legal(connection, whole, now)) ask_to_publish(connection, whole, now);
}

void Broker::ask_to_publish(Connection& connection, const wire::Publish& publish, const Now& now) {
  if (is_too_long(publish.payload)) return refuse_length(connection, publish, now);
  const AccessDecision access =
      ports_.authorizer.may_publish(actor_of(connection), publish.topic, publish.qos, publish.retain);
  if (must_wait(connection, access)) {
    PendingRequest& request = await(connection, Awaits::publish, now);
    request.message = message_of(connection, publish, now);
    request.packet_id = publish.packet_id;
    return;
  }
  if (!allows(access)) return refuse_publish(connection, publish, rule_of(access), now);
  if (disk_takes(connection, publish, now)) {
    take_publish(connection, publish, message_of(connection, publish, now), now);
  }
}

MessageRef Broker::message_of(Connection& connection, const wire::Publish& publish, const Now& now) {
  session::MessageFacts facts;
  facts.qos = publish.qos;
  facts.retain = publish.retain;
  facts.publisher = connection.session->client_hash;
  facts.received_wall_ms = now.wall_ms;
  facts.expires_at_ms = expiry_deadline(now, publish.properties.number(PropertyId::message_expiry_interval));
  const BlockRef packet = connection.endpoint.take_packet();
  return MessageRef::make(publish.topic, publish.payload, publish.properties, facts, packet);
}

void Broker::take_publish(Connection& connection, const wire::Publish& publish, const MessageRef& message,
                          const Now& now) {
  Session& publisher = *connection.session;
  ByteChain& out = ports_.transport.outbox(connection.id);
  const Retained retained = publish.retain ? retain(message, publisher.client_id, now) : Retained::no;
  const std::string_view remark =
      retained == Retained::no_room ? "delivered, but the store of retained messages is full" : "";
  const std::uint32_t receivers = route(message, now);
  if (FanOut* later = fan_outs_.pushed(message)) later->publisher = connection.id;
  if (receivers == 0) {
    verdicts_.record({VerdictReason::no_subscriber, publisher.client_id, publish.topic, "no subscription matches"},
                     now);
  }
  const bool dedupe = publish.qos == QoS::exactly_once && publisher.persistent();
  const std::uint16_t packet_id = dedupe ? publish.packet_id : std::uint16_t{0};
  const bool recorded = append_owed(message, dedupe ? publisher.key : 0, packet_id) || retained == Retained::recorded;
  Ticket ticket = recorded ? message_ticket(*message, publish.qos == QoS::at_most_once ? 0 : 1) : Ticket::done();
  // Nobody waits for a retained message of QoS 0, but its publisher must not outrun the disk for ever.
  if (publish.qos == QoS::at_most_once && !ports_.records.full()) ticket = Ticket::done();
  connection.endpoint.publish_done(
      publish, ticket, receivers == 0 ? ReasonCode::no_matching_subscribers : ReasonCode::success, remark, out);
}

// While the disk takes nothing, a 5.0 client is told at once; a 3.x client gets no acknowledgement and is not read on.
bool Broker::disk_takes(Connection& connection, const wire::Publish& publish, const Now& now) {
  if (publish.qos == QoS::at_most_once || ports_.records.accepting()) return true;
  if (connection.endpoint.version() != wire::ProtocolVersion::v5_0) return true;
  verdicts_.record(
      {VerdictReason::quota_exceeded, connection.session->client_id, publish.topic, "the disk is full or failing"},
      now);
  ++counters_.publish_dropped;
  connection.endpoint.publish_done(publish, Ticket::done(), ReasonCode::quota_exceeded, "the disk is full or failing",
                                   ports_.transport.outbox(connection.id));
  return false;
}

// Stores a retained message. Without room it is not kept, but who is subscribed gets it all the same.
Broker::Retained Broker::retain(const MessageRef& message, std::string_view client_id, const Now& now) {
  if (!keep_retained(message)) {
    verdicts_.record({VerdictReason::retained_full, client_id, message->topic(),
                      "limits.max_retained_messages or limits.max_retained_bytes"},
                     now);
    return Retained::no_room;
  }
  if (message->can_expire()) arm_sweep(now);
  return Retained::recorded;
}

bool Broker::keep_retained(const MessageRef& message) {
  const std::lock_guard lock(commons_.retained_lock());
  if (commons_.cores() > 1) interested_ = commons_.interest().cores_for(message->topic());
  if (!retained_.store(message)) return false;
  ports_.records.add(RetainedChanged{*message});
  return true;
}

Ticket Broker::message_ticket(const session::Message& message, std::uint32_t acknowledged) {
  return ports_.records.ticket(level_of(options_.durability, message.topic()), acknowledged);
}

// ---- to the receivers

std::uint32_t Broker::route(const MessageRef& message, const Now& now) {
  begin_owed(message);
  const std::uint32_t receivers = route_here(message, now);
  return commons_.cores() == 1 ? receivers : receivers + route_away(message, now);
}

std::uint32_t Broker::route_here(const MessageRef& message, const Now& now) {
  std::uint32_t receivers = 0;
  const session::MessageFacts& facts = message->facts();
  const auto targets = router_.match(message->topic(), facts.publisher);
  work_done_ += router_.visited();
  constexpr std::size_t kAhead = 6;
  const bool in_parts = targets.size() > options_.fan_out_part || fan_outs_.has(facts.publisher);
  if (in_parts) deliver_later(message, targets);
  Delivery delivery;  // one for all: each receiver copies what it has to keep
  delivery.message = message;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Target& target = targets[i];
    if (i + kAhead < targets.size()) prefetch(targets[i + kAhead].session);
    if (origin_.key != 0 && target.session && !is_addressed(*target.session)) continue;
    ++receivers;
    if (in_parts && may_wait(target, facts)) continue;
    if (!target.session) {
      deliver_shared(target.group, message, nullptr, now);
      continue;
    }
    delivery.identifiers = session::SubscriptionIdentifiers(router_.identifiers_of(target));
    delivery.qos = granted(facts.qos, target.qos);
    delivery.retain = facts.retain && target.retain_as_published;
    deliver_owed(*target.session, delivery, now);
  }
  return receivers;
}

// The QoS of a message for a subscription [MQTT-3.8.4-8].
QoS Broker::granted(QoS message, QoS subscription) const {
  return options_.upgrade_outgoing_qos ? subscription : std::min(message, subscription);
}

void Broker::deliver_owed(Session& session, const Delivery& delivery, const Now& now) {
  if (checks_receive_ && !may_receive(session, delivery.message->topic(), now)) return;
  deliver_allowed(session, delivery, now);
}

void Broker::deliver_allowed(Session& session, const Delivery& delivery, const Now& now) {
  if (owed_position_ == 0 || session.key == 0 || delivery.qos == QoS::at_most_once) {
    deliver(session, delivery, now);
    return;
  }
  // A position names one delivery of a session: what it gets of the same message besides has a record of its own.
  if (session.owed_position == owed_position_) {
    const MessageRef message = delivery.message;
    const bool recorded = append_owed(message, 0, 0);
    begin_owed(message);
    owed_recorded_ = recorded;
  }
  Delivery logged = delivery;
  logged.position = owed_position_;
  owe(session, logged);
  if (!deliver(session, logged, now)) owed_shares_.pop_back();
}

bool Broker::deliver(Session& session, const Delivery& delivery, const Now& now) {
  observed_session_ = &session;
  observed_now_ = &now;
  routed_ = delivery.message.get();
  routed_position_ = delivery.position;
  routed_dropped_ = false;
  if (Connection* connection = session.connection) {
    // Behind retained messages that are still on their way, which are older.
    if (delivery.qos != QoS::at_most_once && !session.retained->empty()) {
      session.state.outgoing.enqueue(delivery, options_.endpoint.queue, now, *this);
      routed_ = nullptr;
      return !routed_dropped_;
    }
    ByteChain& out = ports_.transport.outbox(connection->id);
    connection->endpoint.deliver(delivery, now, out, *this);
    ports_.transport.touch(connection->id);
    if (!connection->gated && connection->endpoint.gate_bytes() > 0) {
      connection->gated = true;
      gated_.push_back(connection->id);
    }
    watch_backpressure(*connection, now);
  } else if (delivery.qos == QoS::at_most_once && !options_.queue_qos0_offline) {
    dropped(delivery, DropReason::offline);
  } else {
    session.state.outgoing.enqueue(delivery, options_.endpoint.queue, now, *this);
  }
  routed_ = nullptr;
  return !routed_dropped_;
}

bool Broker::deliver_shared(std::uint32_t group_id, const MessageRef& message, const Session* except, const Now& now) {
  if (commons_.cores() == 1) return deliver_to_member(group_id, message, except, now) != Shared::nobody;
  const SharedGroup* group = groups_.find(group_id);
  const bool connected_here = group && std::any_of(group->members.begin(), group->members.end(), [&](const auto& one) {
                                return one.session != except && one.session->connection;
                              });
  // All full: another core may have a member with room. Not for ever, they may all be.
  const bool full_here = connected_here && hops_ < kMostHopsForRoom && !groups_.any_room(*group, except);
  if ((!connected_here || full_here) && pass_group_on(group_id, message, true)) return true;
  const Shared outcome = deliver_to_member(group_id, message, except, now);
  return outcome == Shared::taken || pass_group_on(group_id, message, false) || outcome == Shared::forbidden;
}

// Where no member may receive it, it is over, as if one had taken it: it must not wait for them for ever.
Broker::Shared Broker::deliver_to_member(std::uint32_t group_id, const MessageRef& message, const Session* except,
                                         const Now& now) {
  SharedGroup* group = groups_.find(group_id);
  if (!group) return Shared::nobody;
  bool forbidden = false;
  SharedGroups::Accepts accepts;
  if (checks_receive_) {
    accepts = [&](Session& session) {
      const bool may = may_receive(session, message->topic(), now);
      forbidden |= !may;
      return may;
    };
  }
  const SharedMember* member =
      groups_.pick(*group, message->topic(), message->facts().publisher, except, accepts ? &accepts : nullptr);
  if (!member) return forbidden ? Shared::forbidden : Shared::nobody;
  Session& taker = *member->session;
  Delivery delivery;
  delivery.message = message;
  delivery.origin = group_id;
  delivery.qos = granted(message->facts().qos, member->options.qos);  // [MQTT-4.8.2-3]
  delivery.retain = message->facts().retain && member->options.retain_as_published;
  if (member->identifier != 0) delivery.identifiers = session::SubscriptionIdentifiers({&member->identifier, 1});
  deliver_allowed(taker, delivery, now);
  return Shared::taken;
}

// ---- shared subscriptions: what a member leaves behind

// What `session` was given through the shared subscriptions that accepts(origin) names, and did not get, goes to others
// [4.8.2]. One pass, however many they are; what is in the log goes in parts, the rest by hand_over_all().
template <class Accepts>
void Broker::hand_over(Session& session, std::size_t most, Accepts&& accepts, const Now& now) {
  session::Outgoing& outgoing = session.state.outgoing;
  if (outgoing.with_origin() == 0) return;
  if (most == options_.hand_over_step && outgoing.logged_messages() > 0 && !ports_.records.accepting()) {
    return hand_over_later(session, now.mono_ms + kReadPauseMs);
  }
  const auto unacknowledged = session.connection ? session::Unacknowledged::keep : session::Unacknowledged::give;
  const std::uint64_t bytes_each = outgoing.waiting_bytes() / std::max<std::size_t>(outgoing.waiting_messages(), 1);
  std::vector<Delivery> left;
  const bool all = outgoing.hand_over(
      unacknowledged, most, [&](std::uint32_t origin) { return origin != 0 && accepts(origin); },
      [&](Delivery delivery) { left.push_back(std::move(delivery)); });
  hand_over(session, std::move(left), bytes_each, now);
  if (!all) hand_over_later(session, now.mono_ms + 1);
}

void Broker::hand_over_later(Session& session, DeadlineMs at_ms) {
  if (std::exchange(session.hands_over_later, true)) return;
  add_deadline({at_ms, DueKind::hand_over, session.number, session.generation});
}

// Those without a message are in the log; what cannot be read now stays there, each of so many bytes.
void Broker::hand_over(Session& session, std::vector<Delivery> left, std::uint64_t bytes_each, const Now& now) {
  constexpr std::size_t kLoaded = 64;
  session::LoggedDelivery wanted[kLoaded];
  std::vector<Delivery> kept;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!left[i].message) {
      std::size_t count = 0;
      while (count < kLoaded && i + count < left.size() && !left[i + count].message) {
        wanted[count] = left[i + count].logged();
        ++count;
      }
      observed_session_ = &session;
      observed_now_ = &now;
      if (load({wanted, count}, {&left[i], count}) == 0) {
        std::size_t end = i + count;
        while (end < left.size() && !left[end].message) ++end;
        session.state.outgoing.put_back({&left[i], end - i}, bytes_each);
        hand_over_later(session, now.mono_ms + kReadPauseMs);
        i = end - 1;
        continue;
      }
    }
    if (!left[i].message) {
      finished(session, left[i], now);
    } else if (!hand_over(session, left[i], now)) {
      kept.push_back(std::move(left[i]));
    }
  }
  keep(session, std::move(kept), bytes_each, now);
}

// Members on other cores may go between the question for them and the delivery: then it waits where it was, and they
// are looked for again.
void Broker::keep(Session& session, std::vector<Delivery> kept, std::uint64_t bytes_each, const Now& now) {
  if (kept.empty()) return;
  observed_session_ = &session;
  observed_now_ = &now;
  const auto logged = std::stable_partition(kept.begin(), kept.end(), [](const Delivery& delivery) {
    return delivery.position == 0 || delivery.qos == QoS::at_most_once;
  });
  if (logged != kept.end()) {
    // They come between what is in memory and what is in the log.
    session.state.outgoing.unload();
    std::sort(logged, kept.end(), [](const Delivery& a, const Delivery& b) { return a.position < b.position; });
    session.state.outgoing.put_back({logged, kept.end()}, bytes_each);
  }
  for (auto delivery = kept.begin(); delivery != logged; ++delivery) {
    session.state.outgoing.enqueue(std::move(*delivery), options_.endpoint.queue, now, *this);
  }
  hand_over_later(session, now.mono_ms + kReadPauseMs);
}

bool Broker::hand_over(Session& session, const Delivery& delivery, const Now& now) {
  begin_owed(delivery.message);
  const bool taken = deliver_shared(delivery.origin, delivery.message, &session, now);
  if (!owed_shares_.empty()) {
    ports_.records.append(HandedOver{delivery.position, session.key, *delivery.message, owed()});
  }
  end_owed(!owed_shares_.empty());
  if (!taken) return false;
  verdicts_.record({VerdictReason::handed_over, session.client_id, delivery.message->topic(),
                    "the member left the shared subscription"},
                   now);
  finished(session, delivery, now);
  return true;
}

void Broker::leave_group(Session& session, std::uint32_t group_id, const Now& now) {
  hand_over(
      session, options_.hand_over_step, [&](std::uint32_t origin) { return origin == group_id; }, now);
}

// The session ends: what it holds of shared subscriptions, even of those that it has left, goes to others. What is in
// the log was taken out before.
void Broker::hand_over_rest(Session& session, const Now& now) {
  hand_over(
      session, ~std::size_t{0}, [&](std::uint32_t origin) { return commons_.groups().contains(origin); }, now);
}

// Of a shared subscription that the session has left all goes to others; of the rest if it is not connected and another
// member is.
void Broker::hand_over_all(Session& session, const Now& now) {
  std::unordered_map<std::uint32_t, bool> known;
  const auto others_take = [&](std::uint32_t origin) {
    const auto [at, unknown] = known.try_emplace(origin, false);
    if (!unknown) return at->second;
    const SharedGroup* group = groups_.find(origin);
    // All its members are on other cores.
    if (!group) return at->second = commons_.groups().contains(origin);
    bool member = false;
    bool another = false;
    for (const SharedMember& one : group->members) {
      member |= one.session == &session;
      another |= one.session->connection != nullptr;
    }
    another = another || commons_.groups().connected_elsewhere(origin, ports_.core);
    return at->second = !member || (!session.connection && another);
  };
  hand_over(session, options_.hand_over_step, others_take, now);
}

// The session is connected now: it takes what waits with members that are not.
void Broker::collect_stranded(Session& session, const Now& now) {
  std::unordered_set<std::uint32_t> groups;
  std::vector<Session*> away;
  for (const auto& [share, group_id] : *session.shares) {
    const SharedGroup* group = groups_.find(group_id);
    if (!group) continue;
    groups.insert(group_id);
    add_away(*group, away);
  }
  in_order(away);
  for (Session* member : away) {
    hand_over(
        *member, options_.hand_over_step, [&](std::uint32_t origin) { return groups.contains(origin); }, now);
  }
}

// The connected session joined a group: the same for this one.
void Broker::collect_stranded(const SharedGroup& group, const Now& now) {
  std::vector<Session*> away;
  add_away(group, away);
  in_order(away);
  for (Session* member : away) leave_group(*member, group.id, now);
}

void Broker::add_away(const SharedGroup& group, std::vector<Session*>& away) {
  for (const SharedMember& member : group.members) {
    if (!member.session->connection && member.session->state.outgoing.with_origin() > 0) away.push_back(member.session);
  }
}

// ---- the broker's own publications

void Broker::publish_own(const MessageRef& message, const Now& now) {
  if (message->facts().retain) {
    const std::lock_guard lock(commons_.retained_lock());
    if (commons_.cores() > 1) interested_ = commons_.interest().cores_for(message->topic());
    retained_.store(message);
  }
  route(message, now);
  append_owed(message, 0, 0);
}

void Broker::publish_wills(const Now& now) {
  while (!due_wills_.empty()) {
    const auto wills = std::exchange(due_wills_, {});
    for (const auto& [client_id, will] : wills) {
      session::MessageFacts facts = will.message->facts();
      facts.publisher = will.publisher;
      facts.received_wall_ms = now.wall_ms;
      facts.expires_at_ms = expiry_deadline(now, will.expiry_s);
      const MessageRef message =
          MessageRef::make(will.message->topic(), will.message->payload(), will.message->properties(), facts);
      const Retained retained = facts.retain ? retain(message, client_id, now) : Retained::no;
      const std::uint32_t receivers = route(message, now);
      // Nobody waits for it, but it is to be as safe as its topic says.
      if (append_owed(message, 0, 0) || retained == Retained::recorded) static_cast<void>(message_ticket(*message, 0));
      // Who came back with the same client identifier may have brought a will of its own.
      const Session* session = sessions_.find(client_id);
      record_will(client_id, session ? *session->will : SessionWill());
      if (receivers == 0) {
        verdicts_.record(
            {VerdictReason::no_subscriber, client_id, message->topic(), "no subscription matches the will"}, now);
      }
    }
  }
}

void Broker::publish_sys(const Now& now) {
  SysFigures figures;
  figures.counters = counters_;
  figures.sessions = sessions_.size();
  figures.subscriptions = router_.index().size();
  // Alone, the index has these too.
  if (commons_.cores() > 1 && ports_.core == 0) figures.subscriptions += commons_.groups().size();
  figures.shared_subscriptions = commons_.groups().size();
  {
    const std::lock_guard lock(commons_.retained_lock());
    figures.retained_messages = retained_.messages();
    figures.retained_bytes = retained_.bytes();
  }
  figures.bytes_sent = ports_.transport.bytes_sent();
  figures.log = ports_.records.figures();
  if (sessions_.size() <= kSysQueueSessions) {
    SysQueues& queues = figures.queues.emplace();
    sessions_.for_each([&](const Session& session) {
      queues.waiting_messages += session.state.outgoing.waiting_messages();
      queues.waiting_bytes += session.state.outgoing.waiting_bytes();
      queues.in_flight += session.state.outgoing.in_flight();
    });
  }
  if (ports_.core != 0) return commons_.report(ports_.core, figures);
  commons_.add_others(ports_.core, figures);
  sys_topics_.update(figures, now, [&](std::string_view topic, std::string_view payload) {
    session::MessageFacts facts;
    facts.retain = true;
    facts.received_wall_ms = now.wall_ms;
    publish_own(MessageRef::make(topic, as_bytes(payload), {}, facts), now);
  });
}

}  // namespace martlet::broker
