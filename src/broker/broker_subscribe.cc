// SUBSCRIBE, UNSUBSCRIBE and the retained messages that a subscription starts with.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "broker/broker.h"
#include "broker/mount_point.h"
#include "topic/filter.h"

namespace martlet::broker {

using wire::PropertyId;
using wire::ReasonCode;

namespace {

// Steps through the index of retained messages that one connection gets before others have their turn.
constexpr std::uint64_t kMostFed = 4096;
constexpr std::uint64_t kLeastFed = 64;

}  // namespace

void Broker::on_subscribe(Connection& connection, const wire::Subscribe& subscribe, const Now& now) {
  bool shared_no_local = false;
  subscribe.filters.for_each([&](const wire::FilterEntry& entry) {
    shared_no_local |= entry.options.no_local && entry.filter.starts_with("$share/");
  });
  if (shared_no_local) {
    const wire::DecodeError error{ReasonCode::protocol_error, "MQTT-3.8.3-4", "no local on a shared subscription"};
    connection.endpoint.disconnect(error.reason, error.what, ports_.transport.outbox(connection.id));
    return end_failed(connection, error, now);
  }
  SubscribeRequest request;
  request.packet_id = subscribe.packet_id;
  request.identifier = subscribe.properties.number_or(PropertyId::subscription_identifier, 0);
  request.filters = subscribe.filters;
  take_subscribe(connection, request, nullptr, now);
}

void Broker::take_subscribe(Connection& connection, SubscribeRequest& request, const AccessDecision* first,
                            const Now& now) {
  Session& session = *connection.session;
  const std::string& mount_point = connection.policy->mount_point;
  std::string scratch;
  while (!request.filters.empty()) {
    wire::FilterList rest = request.filters;
    wire::FilterEntry entry = rest.take_first();
    ReasonCode reason = ReasonCode::topic_filter_invalid;
    auto parsed = topic::parse_filter(entry.filter, options_.max_topic_levels);
    if (parsed && !mount_point.empty()) {
      entry.filter = whole_filter(mount_point, entry.filter, scratch);
      parsed = topic::parse_filter(entry.filter, options_.max_topic_levels);
    }
    if (parsed) {
      const AccessDecision access =
          first ? *first : ports_.authorizer.may_subscribe(actor_of(connection), parsed->filter, entry.options.qos);
      if (!first && must_wait(connection, access)) {
        request.keep();
        await(connection, Awaits::subscribe, now).subscribe = std::move(request);
        return;
      }
      if (allows(access)) {
        reason = subscribe_one(session, entry, *parsed, request.identifier, now);
      } else {
        deny(session, DeniedAction::subscribe, entry.filter, rule_of(access), now);
        reason = ReasonCode::not_authorized;
      }
    } else {
      verdicts_.record({VerdictReason::invalid_filter, session.client_id, entry.filter, topic::to_text(parsed.error())},
                       now);
    }
    first = nullptr;
    request.filters = rest;
    request.reasons.push_back(static_cast<std::uint8_t>(reason));
    if (wire::is_failure(reason)) continue;
    request.ticket = record_subscription(session, entry.filter, entry.options, request.identifier);
  }
  connection.endpoint.answer_request(request.ticket, {wire::PacketType::suback, request.packet_id, {}, request.reasons},
                                     ports_.transport.outbox(connection.id));
}

ReasonCode Broker::subscribe_one(Session& session, const wire::FilterEntry& entry, const topic::ParsedFilter& parsed,
                                 std::uint32_t identifier, const Now& now) {
  const bool is_new =
      parsed.shared ? !session.shares->contains(entry.filter) : !router_.index().find(parsed.filter, session.number);
  if (is_new && !has_room_for(session, entry.filter, now)) return ReasonCode::quota_exceeded;
  wire::SubscriptionOptions options = entry.options;
  options.qos = std::min(options.qos, session.connection->policy->endpoint.maximum_qos);
  if (parsed.shared) {
    const auto joined = groups_.join(entry.filter, parsed.filter, {&session, options, identifier});
    if (!joined.group) return index_full(session, parsed.filter, now);
    const std::uint32_t group_id = joined.group->id;
    // With several cores the directory has the filter.
    if (joined.new_group && commons_.cores() == 1 &&
        !index_subscription(session, parsed.filter, {kGroupBit | group_id, 0, 0}, now)) {
      groups_.erase(group_id);
      return ReasonCode::quota_exceeded;
    }
    session.shares.make().insert_or_assign(std::string(entry.filter), group_id);
    if (joined.new_member) {
      commons_.groups().count(group_id, ports_.core, {1, 1, session.key != 0 ? 1 : 0});
      tell_connected(group_id);
      collect_stranded(*joined.group, now);
    }
  } else {
    if (!index_subscription(session, parsed.filter, {session.number, identifier, options.to_byte()}, now)) {
      return ReasonCode::quota_exceeded;
    }
    if (is_new) session.filters.insert(router_.index().handle_of(parsed.filter));
    const std::uint64_t version = announce(session, parsed.filter, is_new);
    // Retain handling: 0 always, 1 for a new subscription only, 2 never [MQTT-3.3.1-9] to [-11].
    if (options.retain_handling == 0 || (options.retain_handling == 1 && is_new)) {
      start_retained(session, parsed.filter, options, identifier, version);
    } else if (session.retained->contains(parsed.filter)) {
      RetainedCursor& cursor = session.retained.make().find(parsed.filter)->second;
      cursor.options = options;  // what is still on its way follows the new subscription [MQTT-3.8.4-3]
      cursor.identifier = identifier;
    }
  }
  if (is_new) session.filter_bytes += topic::SubscriptionIndex::cost_bytes(entry.filter);
  log_subscribed(session, entry.filter, options.qos);
  return static_cast<ReasonCode>(options.qos);
}

bool Broker::index_subscription(const Session& session, std::string_view filter,
                                const topic::Subscription& subscription, const Now& now) {
  if (router_.index().add(filter, subscription) != topic::AddOutcome::full) return true;
  index_full(session, filter, now);
  return false;
}

ReasonCode Broker::index_full(const Session& session, std::string_view filter, const Now& now) {
  verdicts_.record({VerdictReason::quota_exceeded, session.client_id, filter, "the subscription index is full"}, now);
  return ReasonCode::quota_exceeded;
}

bool Broker::has_room_for(const Session& session, std::string_view filter, const Now& now) {
  const char* limit = nullptr;
  if (session.subscriptions() >= options_.max_subscriptions_per_client) {
    limit = "limits.max_subscriptions_per_client";
  } else if (session.filter_bytes + topic::SubscriptionIndex::cost_bytes(filter) >
             options_.max_filter_bytes_per_client) {
    limit = "limits.max_filter_bytes_per_client";
  }
  if (!limit) return true;
  verdicts_.record({VerdictReason::quota_exceeded, session.client_id, filter, limit}, now);
  return false;
}

void Broker::on_unsubscribe(Connection& connection, const wire::Unsubscribe& unsubscribe, const Now& now) {
  Session& session = *connection.session;
  std::vector<std::uint8_t> reasons;
  std::string scratch;
  Ticket ticket = Ticket::done();
  unsubscribe.filters.for_each([&](const wire::FilterEntry& entry) {
    const std::string_view filter = whole_filter(connection.policy->mount_point, entry.filter, scratch);
    const ReasonCode reason = unsubscribe_one(session, filter, now);
    reasons.push_back(static_cast<std::uint8_t>(reason));
    if (reason == ReasonCode::success) ticket = record(session, SubscriptionRemoved{session.key, filter});
  });
  connection.endpoint.answer_request(ticket, {wire::PacketType::unsuback, unsubscribe.packet_id, {}, reasons},
                                     ports_.transport.outbox(connection.id));
}

ReasonCode Broker::unsubscribe_one(Session& session, std::string_view filter, const Now& now) {
  const auto parsed = topic::parse_filter(filter);
  if (!parsed) return ReasonCode::topic_filter_invalid;
  if (parsed->shared) {
    const auto known = session.shares->find(filter);
    if (known == session.shares->end()) return ReasonCode::no_subscription_existed;
    const std::uint32_t group_id = known->second;
    session.shares.make().erase(known);
    leave_share(session, group_id);
    // Without another member what it was given stays with it.
    if (commons_.groups().contains(group_id)) leave_group(session, group_id, now);
  } else {
    if (!session.filters.erase(router_.index().handle_of(filter))) return ReasonCode::no_subscription_existed;
    remove_filter(session, filter);
  }
  session.filter_bytes -= topic::SubscriptionIndex::cost_bytes(filter);
  if (const auto cursor = session.retained->find(filter); cursor != session.retained->end()) {
    session.retained.make().erase(cursor);
    if (session.retained->empty()) session.retained.reset();
  }
  return ReasonCode::success;
}

void Broker::remove_all_subscriptions(const Session& session) {
  for (const auto& [share, group_id] : *session.shares) leave_share(session, group_id);
  session.filters.for_each([&](topic::Handle handle) { remove_filter(session, router_.index().filter_of(handle)); });
}

// Out of the index; the session's own list, here and below, is the caller's.
void Broker::remove_filter(const Session& session, std::string_view filter) {
  router_.index().remove(filter, session.number);
  remove_interest(session, filter);
}

void Broker::leave_share(const Session& session, std::uint32_t group_id) {
  SharedGroup* group = groups_.find(group_id);
  if (!group) return;
  commons_.groups().count(group_id, ports_.core, {-1, session.connection ? -1 : 0, session.key != 0 ? -1 : 0});
  if (!groups_.leave(*group, session)) return;
  if (commons_.cores() == 1) router_.index().remove(group->filter, kGroupBit | group_id);
  groups_.erase(group_id);
}

// ---- retained messages

std::uint64_t Broker::announce(const Session& session, std::string_view filter, bool is_new) {
  const std::lock_guard lock(commons_.retained_lock());
  if (is_new) add_interest(session, filter);
  return retained_.version();
}

void Broker::start_retained(Session& session, std::string_view filter, wire::SubscriptionOptions options,
                            std::uint32_t identifier, std::uint64_t version) {
  RetainedCursor cursor;
  cursor.options = options;
  cursor.identifier = identifier;
  cursor.up_to_version = version;
  session.retained.make().insert_or_assign(std::string(filter), std::move(cursor));
}

void Broker::feed_retained(Connection& connection, const Now& now) {
  Session& session = *connection.session;
  auto& cursors = session.retained.make();
  const std::uint64_t left = kTurnWork > work_done_ ? kTurnWork - work_done_ : 0;
  const std::size_t most = std::clamp<std::uint64_t>(left, kLeastFed, kMostFed);
  std::size_t budget = most;
  while (!cursors.empty()) {
    const auto first = cursors.begin();
    const std::string before = first->second.position;
    const Fed fed = feed_retained(connection, first->first, first->second, budget, now);
    if (fed == Fed::enough_for_now) {
      deadlines_.add({now.mono_ms + 1, DueKind::service, connection.id.slot, connection.id.generation});
    }
    if (fed != Fed::done) {
      if (first->second.position == before) break;
      record_subscription(session, first->first, first->second.options, first->second.identifier);
      break;
    }
    const auto fed_up = cursors.extract(first);
    record_subscription(session, fed_up.key(), fed_up.mapped().options, fed_up.mapped().identifier);
  }
  if (cursors.empty()) session.retained.reset();
  work_done_ += most - budget;
}

// The cursor goes on behind this message, so from now on the session is owed it like any other.
void Broker::log_retained(Session& session, session::Delivery& delivery) {
  begin_owed(delivery.message);
  delivery.position = owed_position_;
  owe(session, delivery);
  owed_shares_.back().owed.ahead = true;
  append_owed(delivery.message, 0, 0);
}

// Moves the cursor on as far as the client takes messages now, and the budget of steps through the index lasts.
Broker::Fed Broker::feed_retained(Connection& connection, std::string_view filter, RetainedCursor& cursor,
                                  std::size_t& budget, const Now& now) {
  ByteChain& out = ports_.transport.outbox(connection.id);
  const bool checks_receive = ports_.authorizer.checks_receive();
  const std::lock_guard lock(commons_.retained_lock());
  const topic::Visit visit = retained_.index().visit_some(
      filter, cursor.position, budget, [&](std::string_view, const RetainedMessage& retained) {
        const session::MessageRef& message = retained.message;
        const auto qos = granted(message->facts().qos, cursor.options.qos);
        if (!connection.endpoint.can_send(qos, out)) return false;
        const bool own = cursor.options.no_local && message->facts().publisher == connection.session->client_hash;
        if (retained.version > cursor.up_to_version || message->expired(now) || own) return true;
        if (checks_receive && !may_receive(*connection.session, message->topic(), now)) return true;
        session::Delivery delivery;
        delivery.message = message;
        delivery.qos = qos;
        delivery.retain = true;
        if (cursor.identifier != 0) delivery.identifiers = session::SubscriptionIdentifiers({&cursor.identifier, 1});
        if (qos != wire::QoS::at_most_once && logs(*connection.session)) log_retained(*connection.session, delivery);
        connection.endpoint.send_ahead(std::move(delivery), now, out, *this);
        return true;
      });
  if (visit == topic::Visit::done) return Fed::done;
  return visit == topic::Visit::out_of_budget ? Fed::enough_for_now : Fed::no_room;
}

}  // namespace martlet::broker
