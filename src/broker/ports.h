// What the broker needs of others. Each port is narrow; its implementations live elsewhere and are handed in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_chain.h"
#include "base/bytes.h"
#include "base/durability.h"
#include "base/peer_facts.h"
#include "base/ticket.h"
#include "base/time.h"
#include "broker/log.h"
#include "broker/records.h"
#include "session/delivery.h"
#include "wire/reason.h"
#include "wire/types.h"

namespace martlet::broker {

// A connection as driver and broker name it: the driver's slot and how often that was used before.
struct ConnectionId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  bool operator==(const ConnectionId&) const = default;
};

// The way out for bytes. Called in the middle of the broker's events; it must not call back into the broker.
class Transport {
 public:
  virtual ~Transport() = default;
  // The connection's outbox; the reference is good until the connection is closed.
  virtual ByteChain& outbox(ConnectionId connection) = 0;
  // Its outbox has something to send: flush it at the end of the turn.
  virtual void touch(ConnectionId connection) = 0;
  // Sends what is in the outbox, then closes. The broker has forgotten the connection.
  virtual void close(ConnectionId connection) = 0;
  // Stops or resumes reading: no bytes_received() in between.
  virtual void pause_reading(ConnectionId connection, bool paused) = 0;
  // Bytes sent on all connections since the start.
  virtual std::uint64_t bytes_sent() const = 0;
};

// What RecordSink::read() brought back.
struct LogReading {
  std::size_t done = 0;  // how many of those wanted
  std::string damage;    // of the first one that cannot be had any more; empty if all were there
};

// How the log does, since the start.
struct LogFigures {
  std::uint64_t unsafe_messages = 0;  // may be acknowledged and are not synced
  std::uint64_t pending_bytes = 0;    // on their way to the operating system
  std::uint64_t syncs = 0;
  std::uint64_t commit_p50_us = 0;  // writing a group of records, with its sync if it has one
  std::uint64_t commit_p99_us = 0;
  std::uint64_t group_p50 = 0;  // operations in one
  bool failing = false;         // the disk takes nothing now
};

// Makes records durable. A ticket covers all records before it. A sink that keeps no log leaves the positions at 0.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // Adds what no topic decides on: sessions, subscriptions, exchanges. They are kept at the surest level that any topic
  // has; the ticket is what their acknowledgement waits for.
  virtual Ticket append(const Record& record) = 0;
  // Adds a record of a message; behind the last one of that message comes ticket().
  virtual void add(const Record& record) = 0;
  // What an acknowledgement that stands for all records so far waits for, at `level`. `messages`: how many messages,
  // added in this turn, are acknowledged with it; until they are synced they count as unsafe.
  virtual Ticket ticket(Durability level, std::uint32_t messages) = 0;
  // The position in the log that the next MessageOwed or HandedOver takes, from 1.
  virtual std::uint64_t next_position() const { return 0; }
  // From now on next_position() is above `position`, which another core took.
  virtual void pass(std::uint64_t position) { (void)position; }
  // Called every few seconds: positions are to follow time across cores.
  virtual void renew() {}
  // False while the disk takes nothing: no ticket is resolved.
  virtual bool accepting() const { return true; }
  // True while more is on its way to the disk than there should be: whoever adds to it is to be held.
  virtual bool full() const { return false; }
  // While it is true nothing becomes durable; it is tried again and again.
  virtual bool failing() const { return false; }
  // Why, on one line; empty while all is well.
  virtual std::string failure() const { return {}; }
  // The end of a turn: what was appended is on its way to the disk.
  virtual void submit() {}
  // How far tickets are resolved, for Broker::durable().
  virtual std::uint64_t durable_position() const { return 0; }

  // ---- Reading on in the log. A sink that has positions has these.

  // What lies below can be read back; above it is still on its way to the disk.
  virtual std::uint64_t readable_below() const { return 0; }
  // Reads the messages that `wanted` names, in order, for the session `key`, into `to`, which is as long; at least the
  // first one, and more as long as they are not too large together. What is damaged or gone has no message.
  virtual LogReading read(std::uint64_t key, std::span<const session::LoggedDelivery> wanted,
                          std::span<session::Delivery> to) {
    (void)key, (void)wanted, (void)to;
    return {};
  }
  // Where the log has to begin to be no larger than `max_bytes` (0: as it is), and to hold nothing that was received
  // before `oldest_wall_ms` (0: any).
  virtual std::uint64_t begin_within(std::uint64_t max_bytes, std::int64_t oldest_wall_ms) {
    (void)max_bytes, (void)oldest_wall_ms;
    return 0;
  }

  // Nothing without a log.
  virtual std::optional<LogFigures> figures() const { return std::nullopt; }
};

// Keeps nothing: every ticket is resolved at once.
class NoRecords : public RecordSink {
 public:
  Ticket append(const Record&) override { return Ticket::done(); }
  void add(const Record&) override {}
  Ticket ticket(Durability, std::uint32_t) override { return Ticket::done(); }
};

// ---- who may connect, and do what. Implementations are shared by all cores and may be replaced while the broker runs.

// What an authenticator found out about a client besides its name (groups, rules of a token): the broker carries it to
// the authorizer, which knows what it is.
class Grants {
 public:
  virtual ~Grants() = default;
};

// Names one question of a core, so that its answer may come later.
struct QuestionId {
  ConnectionId connection;
  std::uint32_t number = 0;  // no two of a connection are the same
};

struct AuthDecision {
  enum class Kind : std::uint8_t {
    allow,
    challenge,
    refuse,
    pending,  // Answers::answer() follows
  };
  Kind kind = Kind::allow;
  wire::ReasonCode reason = wire::ReasonCode::success;  // of a refusal
  std::string reason_string;
  std::string detail;      // of a refusal, for the log: what the client is not told; safe to show (base/printable.h)
  std::string username;    // who it is, or claimed to be, when that differs from CONNECT's user name
  bool anonymous = false;  // allow: nobody, whatever CONNECT's user name says
  std::vector<std::uint8_t> data;        // authentication data of the challenge or the success
  std::shared_ptr<const Grants> grants;  // allow: or null
  std::int64_t until_wall_ms = 0;        // allow: the connection ends then (a token's expiry); 0: it does not

  static AuthDecision allow() { return {}; }
  static AuthDecision pending() {
    AuthDecision decision;
    decision.kind = Kind::pending;
    return decision;
  }
  static AuthDecision refuse(wire::ReasonCode reason, std::string reason_string = {}) {
    AuthDecision decision;
    decision.kind = Kind::refuse;
    decision.reason = reason;
    decision.reason_string = std::move(reason_string);
    return decision;
  }
};

// `rule` names what decided, for the verdict; it lives for ever (base/intern.h).
struct AccessDecision {
  bool allowed = true;
  const char* rule = "";
  bool pending = false;  // Answers::answer() follows; `allowed` says nothing

  static AccessDecision allow(const char* rule = "") { return {true, rule, false}; }
  static AccessDecision deny(const char* rule) { return {false, rule, false}; }
  static AccessDecision wait() { return {false, "", true}; }
};

// Where answers go that could not be given at once. Any thread; the core hears them in its next turn, through
// Broker::answered(). An answer whose connection is gone is dropped there. One for each core; outlives whoever answers.
class Answers {
 public:
  virtual ~Answers() = default;
  virtual void answer(const QuestionId& question, AuthDecision decision) = 0;
  virtual void answer(const QuestionId& question, AccessDecision decision) = 0;
};

// Who wants to connect, as far as transport and CONNECT tell. Views live for the call.
struct ConnectFacts {
  std::string_view client_id;
  std::optional<std::string_view> username;
  std::optional<ByteView> password;
  std::string_view peer_address;
  std::string_view listener;
  wire::ProtocolVersion version = wire::ProtocolVersion::v5_0;
  std::uint32_t listener_index = 0;
  const PeerFacts* peer = nullptr;  // null: plain TCP
  QuestionId question;
  Answers* answers = nullptr;  // null: what cannot be decided at once is refused
};

// One enhanced authentication under way [4.12].
class AuthExchange {
 public:
  virtual ~AuthExchange() = default;
  // The client's next data, of CONNECT or AUTH. `question`: for a pending decision; then step() is not called before
  // the answer.
  virtual AuthDecision step(ByteView data, const QuestionId& question) = 0;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // CONNECT without an authentication method.
  virtual AuthDecision authenticate(const ConnectFacts& facts) = 0;
  // CONNECT (or a re-authentication) with `method`; nullptr if the method is not known [MQTT-4.12.0-1]. What step()
  // says follows.
  virtual std::unique_ptr<AuthExchange> begin(std::string_view method, const ConnectFacts& facts) = 0;
};

// Of a session that came back after a restart, and whose client came last through a listener that is no more.
inline constexpr std::uint32_t kNoListener = 0xFFFF'FFFF;

// Who asks for an action. Views live for the call.
struct Actor {
  std::string_view client_id;
  std::string_view username;  // empty: anonymous
  std::string_view peer_address;
  std::uint32_t listener_index = 0;  // or kNoListener
  const PeerFacts* peer = nullptr;   // null: plain TCP, or a session that is not connected
  const Grants* grants = nullptr;    // null: none
  QuestionId question;
  Answers* answers = nullptr;  // null: what cannot be decided at once is denied
};

// Topics and filters are whole: with the listener's mount point, without $share/GROUP/.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual AccessDecision may_publish(const Actor& actor, std::string_view topic, wire::QoS qos, bool retain) = 0;
  virtual AccessDecision may_subscribe(const Actor& actor, std::string_view filter, wire::QoS qos) = 0;
  // Whether may_receive() is to be asked for each delivery. May change when a configuration is read again.
  virtual bool checks_receive() const { return false; }
  // A message is about to be given to a session, connected or not. Never pending.
  virtual AccessDecision may_receive(const Actor& actor, std::string_view topic) {
    (void)actor, (void)topic;
    return {};
  }
};

// Sees who comes and goes, for limits that hold across transports and cores (server/admission). Any thread.
class Doorkeeper {
 public:
  // Whom a check counts for; only the doorkeeper knows what it says.
  using Check = std::uint64_t;
  // undecided: it says nothing about the client, as when nobody could be asked.
  enum class CheckEnd : std::uint8_t { allowed, refused, undecided };

  virtual ~Doorkeeper() = default;
  // Before authentication: whether this client may try at all; if not, the reason to refuse with.
  virtual wire::ReasonCode admit(const ConnectFacts& facts, const Now& now) = 0;
  // An authenticator is about to be asked, for CONNECT or AUTH. Nothing: so many checks of its address wait that this
  // one is to be refused as busy. Else checked() follows, once, when the answer is there: also when the client did not
  // stay for it.
  virtual std::optional<Check> begin_check(std::string_view peer_address, const Now& now) = 0;
  virtual void checked(Check check, std::string_view peer_address, CheckEnd end, const Now& now) = 0;
  // CONNECT's client has shown who it is, and gets the session of its client identifier.
  virtual void identified(const ConnectFacts& facts, const Now& now) = 0;
};

// Lets everybody in and allows everything; knows no authentication method.
class AllowAll : public Authenticator, public Authorizer {
 public:
  AuthDecision authenticate(const ConnectFacts&) override { return AuthDecision::allow(); }
  std::unique_ptr<AuthExchange> begin(std::string_view, const ConnectFacts&) override { return nullptr; }
  AccessDecision may_publish(const Actor&, std::string_view, wire::QoS, bool) override { return {}; }
  AccessDecision may_subscribe(const Actor&, std::string_view, wire::QoS) override { return {}; }
};

class Commons;
class Neighbours;

// Everything that a broker is built on.
struct Ports {
  Transport& transport;
  RecordSink& records;
  Authenticator& authenticator;
  Authorizer& authorizer;
  Log& log;
  // With several cores: what they share, the others, and which one this is. Alone it has its own.
  Commons* commons = nullptr;
  Neighbours* neighbours = nullptr;
  std::uint32_t core = 0;
  Answers* answers = nullptr;        // null: nobody answers later
  Doorkeeper* doorkeeper = nullptr;  // null: everybody may try
};

}  // namespace martlet::broker
