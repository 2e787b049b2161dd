// The broker of one core without I/O: connections and their bytes come in as events with the time; bytes to send go to
// the transport's outboxes, what must be durable to the record sink. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "broker/commons.h"
#include "broker/connection.h"
#include "broker/counters.h"
#include "broker/deadline_queue.h"
#include "broker/fan_out.h"
#include "broker/neighbours.h"
#include "broker/options.h"
#include "broker/ports.h"
#include "broker/recent_log.h"
#include "broker/restored.h"
#include "broker/retained_store.h"
#include "broker/router.h"
#include "broker/session.h"
#include "broker/shared_groups.h"
#include "broker/sys_topics.h"
#include "broker/verdict.h"
#include "topic/filter.h"

namespace martlet::broker {

enum class LostBy : std::uint8_t { peer_closed, network_error };

// Whether clients may not publish to `topic`: the broker's own, and the prefix of shared subscriptions.
bool is_reserved_topic(std::string_view topic);

// A connection that was accepted, and whose transport is ready for MQTT.
struct Arrival {
  std::uint32_t listener_index = 0;       // of BrokerOptions::listeners; whichever, if these are empty
  std::string_view peer_address;          // "192.0.2.1:50123", for rules, logs and verdicts; copied
  std::shared_ptr<const PeerFacts> peer;  // null: plain TCP
};

// Work that one turn does on what clients send, in packets, matched subscriptions, deliveries and steps through the
// retained messages: some milliseconds.
inline constexpr std::uint64_t kTurnWork = 50'000;

class Broker : private session::DeliveryObserver {
 public:
  // `options` and what `ports` refers to must outlive the broker.
  Broker(const BrokerOptions& options, const Ports& ports, const Now& now);
  ~Broker() override;
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // ---- events
  void connection_opened(ConnectionId id, const Arrival& arrival, const Now& now);
  void bytes_received(ConnectionId id, ByteView bytes, const Now& now);
  // The connection is gone without the broker's doing.
  void connection_lost(ConnectionId id, LostBy cause, const Now& now);
  // The outbox was full and has room again.
  void outbox_drained(ConnectionId id, const Now& now);
  // The log is durable up to `position`: acknowledgements that waited for it leave.
  void durable(std::uint64_t position, const Now& now);
  // Another core's message for sessions of this one. When the ticket is resolved, that core need not keep it any
  // longer.
  // `taken`: at a restart, the parts of those sessions that have got it already.
  Ticket forwarded(const Forwarded& forwarded, const Now& now, std::span<const CorePart> taken = {});
  // False while so many messages are being given out in parts that no more should come: nobody holds their publishers.
  bool takes_forwarded() const { return fan_outs_.waiting().size() < kMostFannedOut; }
  // Another core has a connected member of the group: what waits with members here that are not is passed on.
  void group_connected(std::uint32_t group, const Now& now);
  // The late answer to a question of a connection (see Answers); one that nobody waits for any more is dropped.
  void answered(const QuestionId& question, AuthDecision decision, const Now& now);
  void answered(const QuestionId& question, AccessDecision decision, const Now& now);
  // Does what is due. next_deadline() is when it wants to be called next; kNever if nothing is due.
  void run_timers(const Now& now);
  // In the past while there is work left over from the last turn.
  DeadlineMs next_deadline() const { return unread_.empty() && fan_outs_.empty() ? deadlines_.next() : 0; }
  // Every few seconds: says what of the log nobody here needs any more, and cuts what its limits do not let it keep. It
  // does so by itself while there is something to do; with several cores each has to.
  void trim_if_due(const Now& now);

  // From now on these hold for the connections that come, in place of BrokerOptions::listeners; there are as many.
  // Those that are there keep what they were told when they came.
  void use_policies(const std::vector<ListenerPolicy>& listeners);

  // ---- start-up: what was durable, before the first event; restored() ends it

  void restore(const RestoredSession& session);
  void restore(const RestoredSubscription& subscription, const Now& now);
  void restore(const RestoredExchange& exchange);
  // In the order of the log.
  // False for what nobody is owed any more: what a session that ended does not leave to others.
  bool restore(const RestoredDelivery& delivery);
  bool restore(RestoredFlight flight);
  // Deliveries that were restored and had been handed over to others; `positions` in order. Returns how many there
  // were.
  std::size_t restore_handed_over(std::uint64_t key, std::span<const std::uint64_t> positions);
  void restore_retained(const session::MessageRef& message);
  void restore_will(std::string client_id, SessionWill will);
  // Sessions from now on get keys above `key`.
  void restore_last_key(std::uint64_t key);
  void restored(const Now& now);

  // ---- the end

  // Publishes the wills that shut_down() would, so that they reach the clients of other cores before those are told
  // goodbye.
  void publish_last_wills(const Now& now);
  // Ends all connections with 0x8B; wills without delay are published [4.13]. After it the broker takes no more events.
  void shut_down(const Now& now);

  // Visits all that the log owes, session by session, each in the order of the log. `footprint_bytes` is an average.
  using OwedVisitor = std::function<void(const RestoredDelivery&)>;
  void visit_owed(const OwedVisitor& visit) const;

  // ---- what can be looked at
  const Verdicts& verdicts() const { return verdicts_; }
  const Counters& counters() const { return counters_; }
  std::size_t sessions() const { return sessions_.size(); }
  // Sessions that ended and still hand over what shared subscriptions gave them.
  std::size_t remnants() const { return sessions_.remnants(); }
  std::size_t subscriptions() const { return router_.index().size(); }
  const RetainedStore& retained() const { return retained_; }
  const Commons& commons() const { return commons_; }
  std::size_t deadlines() const { return deadlines_.size(); }
  // Bytes of the outbox and of unfinished packets of a connection, for tests of the bounds.
  std::size_t held_bytes(ConnectionId id);

 private:
  struct EventHandler;
  friend struct EventHandler;
  // While the disk is failing, what waits in the log cannot be read; whoever wants it tries again after so long.
  static constexpr std::int64_t kReadPauseMs = 200;
  static constexpr std::size_t kMostFannedOut = 16;

  // session::DeliveryObserver, about observed_session_.
  Ticket about_to_send(const session::Delivery& delivery, std::uint16_t packet_id) override;
  std::size_t load(std::span<const session::LoggedDelivery> from, std::span<session::Delivery> to) override;
  void sent(const session::Delivery& delivery) override;
  void queued(const session::Delivery& delivery) override;
  void dropped(const session::Delivery& delivery, session::DropReason reason) override;

  // broker.cc: events, timers, the end of connections
  Connection* find(ConnectionId id);
  void finish_event(const Now& now);
  // Acts on the connection's packets until they, or the turn's work, are used up; what is left waits in `unread`.
  void take_packets(Connection& connection, ByteView bytes, bool all, const Now& now);
  void read_on(const Now& now);
  // Gives the session's waiting deliveries and retained messages what room there is.
  void service(Connection& connection, const Now& now);
  void watch_backpressure(Connection& connection, const Now& now);
  void resume_reading(Connection& connection, const Now& now);
  void arm(Connection& connection);
  void arm(Session& session);
  void add_deadline(const Due& due);
  bool awaited(const Due& due);
  void arm_sweep(const Now& now);
  void connection_due(Connection& connection, const Now& now);
  void session_due(Session& session, const Now& now);
  // `level`: of its line in the log; debug when another line has told of the end.
  void end_connection(Connection& connection, const Verdict& verdict, const Now& now, LogLevel level = LogLevel::info);
  void detach(Session& session, bool taken_over, const Now& now);
  void end_session(Session& session, const Now& now);
  void end_failed(Connection& connection, const wire::DecodeError& error, const Now& now);
  void check_laggard(Connection& connection, const Now& now);

  // broker_connect.cc
  bool has_room(const Connection& connection, std::string_view client_id);
  bool may_have(const Session& session, std::string_view username) const;
  void on_connect(Connection& connection, const wire::Connect& connect, const Now& now);
  void on_disconnect(Connection& connection, const wire::Disconnect& disconnect, const Now& now);
  bool admit(Connection& connection, const wire::Connect& connect, const Now& now);
  bool check_will(Connection& connection, const wire::Connect& connect, const Now& now);
  void refuse(Connection& connection, wire::ReasonCode reason, const char* rule, std::string_view client_id,
              const Now& now, VerdictReason verdict = VerdictReason::connect_refused,
              std::string_view reason_string = {}, std::string_view detail = {});
  void welcome(Connection& connection, const Now& now);
  Session& session_for(const PendingConnect& pending, bool& present, const Now& now);
  std::string new_client_id();

  // broker_authenticate.cc
  ConnectFacts facts_of(Connection& connection);
  void authenticate(Connection& connection, const wire::Connect& connect, const Now& now);
  void decide(Connection& connection, AuthDecision decision, const Now& now);
  bool begin_check(Connection& connection, const Now& now);
  void end_check(Connection& connection, const AuthDecision& decision, const Now& now);
  void forsake_check(Connection& connection);
  void hear_forsaken(const QuestionId& question, const AuthDecision& decision, const Now& now);
  bool must_wait(const Connection& connection, AuthDecision& decision) const;
  static void refuse_expired(AuthDecision& decision, const Now& now);
  // What a client that is refused for it is told.
  wire::ReasonCode told_reason(wire::ReasonCode reason) const;
  bool name_client(Connection& connection, const Now& now);
  void ask_for_will(Connection& connection, const Now& now);
  void will_decided(Connection& connection, const AccessDecision& access, const Now& now);
  void enter(Connection& connection, const Now& now);
  void on_auth(Connection& connection, const session::AuthReceived& received, const Now& now);
  void decide_again(Connection& connection, AuthDecision decision, const Now& now);
  void challenge(Connection& connection, wire::ReasonCode reason, ByteView data, const Now& now);
  static void set_grants(Session& session, std::shared_ptr<const Grants> grants);
  void end_expired(Connection& connection, const Now& now);

  // broker_access.cc
  static Actor actor_of(const Session& session);
  Actor actor_of(Connection& connection);
  bool must_wait(const Connection& connection, const AccessDecision& access) const;
  static bool allows(const AccessDecision& access);
  static const char* rule_of(const AccessDecision& access);
  void await(Connection& connection, Awaits what);
  PendingRequest& await(Connection& connection, Awaits what, const Now& now);
  Connection* who_waits(const QuestionId& question);
  void settle(Connection& connection, const AccessDecision& access, const Now& now);
  void go_on(Connection& connection, const Now& now);
  void forget_questions(Connection& connection, const Now& now);
  // A verdict, and a line in the log unless the client has had many.
  void deny(Session& session, DeniedAction action, std::string_view topic, const char* rule, const Now& now);
  // Asked for each session that a message would go to, if the authorizer checks that.
  bool may_receive(Session& session, std::string_view topic, const Now& now);

  // broker_quota.cc
  void open_account(Connection& connection, const Now& now);
  void charge(Connection& connection, const wire::Publish& publish, const Now& now);
  void quota_due(Connection& connection, const Now& now);

  // broker_subscribe.cc
  void on_subscribe(Connection& connection, const wire::Subscribe& subscribe, const Now& now);
  void on_unsubscribe(Connection& connection, const wire::Unsubscribe& unsubscribe, const Now& now);
  // Acts on the filters in order; `first`: the late answer about the first of them.
  void take_subscribe(Connection& connection, SubscribeRequest& request, const AccessDecision* first, const Now& now);
  wire::ReasonCode subscribe_one(Session& session, const wire::FilterEntry& entry, const topic::ParsedFilter& parsed,
                                 std::uint32_t identifier, const Now& now);
  bool index_subscription(const Session& session, std::string_view filter, const topic::Subscription& subscription,
                          const Now& now);
  wire::ReasonCode index_full(const Session& session, std::string_view filter, const Now& now);
  bool has_room_for(const Session& session, std::string_view filter, const Now& now);
  wire::ReasonCode unsubscribe_one(Session& session, std::string_view filter, const Now& now);
  void remove_all_subscriptions(const Session& session);
  void remove_filter(const Session& session, std::string_view filter);
  void leave_share(const Session& session, std::uint32_t group_id);
  // Tells the other cores of a new subscription; the version of the retained store at that moment.
  std::uint64_t announce(const Session& session, std::string_view filter, bool is_new);
  void start_retained(Session& session, std::string_view filter, wire::SubscriptionOptions options,
                      std::uint32_t identifier, std::uint64_t version);
  void feed_retained(Connection& connection, const Now& now);
  void log_retained(Session& session, session::Delivery& delivery);
  enum class Fed : std::uint8_t { done, no_room, enough_for_now };
  Fed feed_retained(Connection& connection, std::string_view filter, RetainedCursor& cursor, std::size_t& budget,
                    const Now& now);

  // broker_publish.cc
  void on_publish(Connection& connection, const wire::Publish& publish, const Now& now);
  void ask_to_publish(Connection& connection, const wire::Publish& publish, const Now& now);
  // Owns the message, or will when the authorizer has answered.
  void take_publish(Connection& connection, const wire::Publish& publish, const session::MessageRef& message,
                    const Now& now);
  session::MessageRef message_of(Connection& connection, const wire::Publish& publish, const Now& now);
  bool is_legal(Connection& connection, const wire::Publish& publish, const Now& now);
  void refuse_publish(Connection& connection, const wire::Publish& publish, const char* rule, const Now& now);
  bool is_too_long(ByteView payload) const;
  void refuse_length(Connection& connection, const wire::Publish& publish, const Now& now);
  bool disk_takes(Connection& connection, const wire::Publish& publish, const Now& now);
  enum class Retained : std::uint8_t { no, recorded, no_room };
  Retained retain(const session::MessageRef& message, std::string_view client_id, const Now& now);
  bool keep_retained(const session::MessageRef& message);
  // What the acknowledgement of a message waits for, behind its records; `acknowledged`: 1 if it has one.
  Ticket message_ticket(const session::Message& message, std::uint32_t acknowledged);
  // Gives the message to everyone who is owed it; returns how many. append_owed() follows.
  std::uint32_t route(const session::MessageRef& message, const Now& now);
  // Whether the session is one of those that what is handed over now was owed to.
  bool is_addressed(const Session& session) const;
  // The copies for this core's own sessions, without those of shared subscriptions.
  std::uint32_t route_here(const session::MessageRef& message, const Now& now);
  // The next record of the log may become this message's; owed_ is empty.
  void begin_owed(const session::MessageRef& message);
  // Its record, if anybody persistent took it; with what takes the publisher's QoS 2 identifier, 0 for none. True if
  // anything was recorded since route() began.
  bool append_owed(const session::MessageRef& message, std::uint64_t publisher_key, std::uint16_t packet_id);
  void end_owed(bool recorded);
  void owe(Session& session, const session::Delivery& delivery);
  std::span<const Owed> owed();
  wire::QoS granted(wire::QoS message, wire::QoS subscription) const;
  // Delivers, if the session may receive it, and owes the message to a persistent one that took it at QoS 1 or 2.
  void deliver_owed(Session& session, const session::Delivery& delivery, const Now& now);
  void deliver_allowed(Session& session, const session::Delivery& delivery, const Now& now);
  // False when the session did not take it.
  bool deliver(Session& session, const session::Delivery& delivery, const Now& now);
  // To a member of this core, or on to another core. False if there is nobody.
  bool deliver_shared(std::uint32_t group_id, const session::MessageRef& message, const Session* except,
                      const Now& now);
  enum class Shared : std::uint8_t { taken, nobody, forbidden };
  Shared deliver_to_member(std::uint32_t group_id, const session::MessageRef& message, const Session* except,
                           const Now& now);
  void hand_over(Session& session, std::vector<session::Delivery> left, std::uint64_t bytes_each, const Now& now);
  // False if nobody took it.
  bool hand_over(Session& session, const session::Delivery& delivery, const Now& now);
  void keep(Session& session, std::vector<session::Delivery> kept, std::uint64_t bytes_each, const Now& now);
  template <class Accepts>
  void hand_over(Session& session, std::size_t most, Accepts&& accepts, const Now& now);
  void hand_over_later(Session& session, DeadlineMs at_ms);
  void leave_group(Session& session, std::uint32_t group_id, const Now& now);
  void hand_over_rest(Session& session, const Now& now);
  void hand_over_all(Session& session, const Now& now);
  void collect_stranded(Session& session, const Now& now);
  void collect_stranded(const SharedGroup& group, const Now& now);
  static void add_away(const SharedGroup& group, std::vector<Session*>& away);
  // broker_remnant.cc: what a session that ended leaves to others
  void leave_remnant(Session& session, session::Outgoing left, const Now& now);
  void hand_over_remnant(Session& remnant, const Now& now);
  void forget(Session& session);

  void publish_own(const session::MessageRef& message, const Now& now);
  void publish_wills(const Now& now);
  void on_finished(Session& session, const session::DeliveryFinished& finished, const Now& now);
  void publish_sys(const Now& now);

  // broker_fan_out.cc
  // Leaves those of the targets that may wait to the coming turns.
  void deliver_later(const session::MessageRef& message, std::span<const Target> targets);
  bool may_wait(const Target& target, const session::MessageFacts& facts) const;
  void give_part(const Now& now);
  void hold(const FanOut& fan_out, bool held, const Now& now);

  // broker_cores.cc: with several cores
  std::uint32_t route_away(const session::MessageRef& message, const Now& now);
  void pass_on(std::uint32_t core, Forwarded forwarded);
  void owe(std::uint32_t core, Forwarded& forwarded);
  bool pass_group_on(std::uint32_t group_id, const session::MessageRef& message, bool connected);
  void add_interest(const Session& session, std::string_view filter);
  void remove_interest(const Session& session, std::string_view filter);
  void count_members(const Session& session, int connected);
  void tell_connected(const Session& session);
  void tell_connected(std::uint32_t group_id);

  // broker_durable.cc
  SessionChanged record_of(const Session& session) const;
  std::uint32_t listener_called(std::string_view name) const;
  void make_persistent(Session& session);
  // The delivery is over: the session's cursor may move.
  void finished(Session& session, const session::Delivery& delivery, const Now& now);
  void checkpoint_later(Session& session, const Now& now);
  void checkpoint(const Now& now);
  void checkpoint(Session& session);
  void trim(const Now& now);
  // Cuts off what the limits on the log do not let it keep.
  void cut_log(const Now& now);
  Ticket record_subscription(const Session& session, std::string_view filter, wire::SubscriptionOptions options,
                             std::uint32_t identifier);
  Ticket record_will(std::string_view client_id, const SessionWill& will);
  void load_later(const Session& session);
  // What was read for the observed session has gaps.
  void note_damage(std::string_view damage, std::span<const session::Delivery> read);
  std::uint32_t origin_of(std::string_view share) const;

  Ticket record(const Session& session, const Record& record);
  // What is acknowledged to it is kept in the log.
  bool logs(const Session& session) const { return session.key != 0 && ports_.records.next_position() != 0; }

  // broker_log.cc
  static LogSubject subject_of(const Session& session);
  static LogSubject subject_of(const Connection& connection);
  void log_connected(const Connection& connection, bool present);
  struct Refusal {
    std::string_view client_id;
    wire::ReasonCode reason;
    std::string_view why;
  };
  void log_refused(const Connection& connection, const Refusal& refusal);
  void log_failed(const Connection& connection, const wire::DecodeError& error);
  void log_end(const Connection& connection, std::string_view rule, LogLevel level);
  struct Denial {
    std::string_view topic;
    std::string_view rule;
    std::uint32_t unlogged;  // refusals of the kind since the last line
  };
  void log_denied(const Session& session, DeniedAction action, const Denial& denial);
  // Refusals that had no line of their own, when none can follow.
  void log_unlogged_denials(Session& session);
  void log_loss(const Session& session, LogLevel level, std::uint64_t messages, std::string_view why);
  void log_subscribed(const Session& session, std::string_view filter, wire::QoS qos);
  void log_held(const Connection& connection);

  const BrokerOptions& options_;
  // By listener_index: the last ones hold for new connections, those before them for connections that are older.
  std::list<std::vector<ListenerPolicy>> policies_;
  Ports ports_;
  Random random_;
  std::unique_ptr<Commons> own_commons_;  // of a broker that is alone
  Commons& commons_;
  NoNeighbours alone_;
  Neighbours& neighbours_;
  SessionTable sessions_;
  Router router_;
  SharedGroups groups_;
  RetainedStore& retained_;  // of all cores
  Verdicts verdicts_;
  Counters counters_;
  DeadlineQueue deadlines_;
  SysTopics sys_topics_;

  std::vector<std::unique_ptr<Connection>> connections_;        // by slot
  std::vector<std::uint32_t> ended_;                            // slots to free at the end of the event
  std::vector<std::pair<std::string, SessionWill>> due_wills_;  // client identifier and will
  std::vector<std::string> durability_texts_;                   // that clients are told, ...
  std::vector<session::UserProperty> durability_notices_;       // ... as CONNACK has them
  std::uint64_t durable_position_ = 0;
  FanOutQueue fan_outs_;
  std::vector<ConnectionId> unread_;  // connections with packets that wait for the next turn
  std::uint64_t work_done_ = 0;       // in this turn: packets, subscriptions matched, deliveries
  // A client left before the answer whether it is who it says came.
  struct ForsakenCheck {
    std::uint32_t question = 0;
    Doorkeeper::Check check = 0;
    std::string peer_address;
  };
  std::unordered_map<std::uint64_t, ForsakenCheck> forsaken_;  // by connection; no more than the authenticator holds
  std::vector<ConnectionId> gated_;  // connections with acknowledgements that wait for the disk

  // Who is owed the message that is being routed.
  struct OwedShare {
    Owed owed;
    session::SubscriptionIdentifiers identifiers;
  };
  std::vector<OwedShare> owed_shares_;
  std::deque<std::string> owed_share_names_;  // of shared subscriptions that another core serves
  std::vector<Owed> owed_;
  std::uint64_t owed_position_ = 0;  // that its record takes
  bool owed_recorded_ = false;
  // Where, and under which key, the message that is being routed was owed before: it is handed over. 0: nowhere.
  struct Origin {
    std::uint64_t position = 0;
    std::uint64_t key = 0;
    std::span<const CorePart> taken = {};
  };
  Origin origin_;
  std::uint8_t hops_ = 0;                        // of its shared subscriptions between cores
  std::optional<std::uint64_t> interested_;      // cores, as retain() saw them
  std::vector<GroupDirectory::Choice> choices_;  // who serves which shared subscription
  RecentLog recent_;
  std::uint64_t log_begin_ = 0;  // as its limits cut it
  bool checks_receive_ = false;  // the authorizer, about the message that is being routed
  std::string whole_topic_;      // of the PUBLISH at hand, with its listener's mount point
  const session::Message* routed_ = nullptr;
  std::uint64_t routed_position_ = 0;
  bool routed_dropped_ = false;

  Ticket sessions_ended_ = Ticket::done();  // of the last session's end that was recorded
  std::uint64_t last_key_ = 0;
  std::vector<std::uint64_t> to_record_;  // session keys
  std::unordered_map<std::uint64_t, Session*> by_key_;
  bool checkpoint_armed_ = false;
  std::int64_t trim_at_ms_ = 0;
  double connect_tokens_ = 0;
  std::int64_t connect_tokens_at_ms_ = 0;
  bool sweep_armed_ = false;
  std::uint64_t assigned_ids_ = 0;
  std::uint64_t id_secrets_[2];

  const Session* observed_session_ = nullptr;
  const Now* observed_now_ = nullptr;
};

}  // namespace martlet::broker
