// A client's session at the broker [4.1], and the table of all sessions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/compact_text.h"
#include "base/hash.h"
#include "base/lazy.h"
#include "base/time.h"
#include "broker/home_core.h"
#include "broker/options.h"
#include "session/endpoint.h"
#include "topic/handle_set.h"
#include "wire/packet.h"

namespace martlet::broker {

struct Connection;
class Grants;

// Retained messages that a new subscription still has to get. It moves along the topics as the client takes them.
struct RetainedCursor {
  std::string position;  // where the visit of the index goes on; empty at the start
  wire::SubscriptionOptions options;
  std::uint32_t identifier = 0;
  std::uint64_t up_to_version = 0;  // what was retained later reaches the subscription as a live message
};

// A will, from CONNECT until it is published or discarded.
struct SessionWill {
  session::MessageRef message;
  std::uint64_t publisher = 0;            // as MessageFacts::publisher of what it becomes
  std::optional<std::uint32_t> expiry_s;  // its message expiry, counted from its publication
  std::uint32_t delay_s = 0;
  DeadlineMs due_ms = kNever;  // set when the connection is lost
};

// What the log was told of refusals, so that a client that goes on asking cannot fill it.
enum class DeniedAction : std::uint8_t { publish, subscribe, receive };
struct DenialLog {
  struct Kind {
    std::int64_t logged_at_ms = 0;
    std::uint32_t unlogged = 0;  // since then
  };
  std::array<Kind, 3> kinds;
};

// What most clients do not have.
struct Standing {
  std::shared_ptr<const Grants> grants;  // of the present or last connection; lost with a restart
  Lazy<DenialLog> denials;
};

struct Session {
  std::uint32_t number = 0;      // index in the table, from 1; the subscriber identifier in the index
  std::uint32_t generation = 0;  // of the number
  CompactText client_id;
  std::uint64_t client_hash = 0;  // of the client identifier, never 0: who published, for no local
  CompactText username;           // empty: anonymous
  CompactText peer_address;       // of the present or last connection
  session::SessionState state;
  std::uint32_t expiry_s = 0;
  DeadlineMs expires_at_ms = kNever;  // set while not connected
  DeadlineMs timer_ms = kNever;       // the earliest entry in the deadline queue
  Connection* connection = nullptr;
  topic::HandleSet filters;                                           // not shared: what the index calls them
  Lazy<std::map<std::string, std::uint32_t, std::less<>>> shares;     // shared ones, as subscribed, and their groups
  std::size_t filter_bytes = 0;                                       // of these filters
  Lazy<std::map<std::string, RetainedCursor, std::less<>>> retained;  // by filter
  Lazy<SessionWill> will;
  Lazy<Standing> standing;

  // Scratch of the router: which entry of the present match is this session's.
  std::uint64_t match_round = 0;
  std::uint32_t match_index = 0;

  std::uint32_t listener_index = 0;  // of the present or last connection

  // Of a persistent session: its name in the records, for ever its own.
  std::uint64_t key = 0;
  std::uint64_t cursor = 0;                        // as last recorded: what is owed below it is finished
  std::int64_t away_since_wall_ms = 0;             // 0: connected
  Lazy<std::vector<std::uint64_t>> finished_qos2;  // positions whose exchange is still recorded
  std::uint64_t owed_position = 0;                 // the last one at which it was owed a message

  bool will_recorded = false;
  bool to_record = false;         // waits for the next checkpoint
  bool hands_over_later = false;  // an entry of the deadline queue waits to go on with it
  // The session ended and its client identifier is free again. It only holds what shared subscriptions gave it and goes
  // to other members, step by step; then it is erased.
  bool remnant = false;

  bool persistent() const { return expiry_s != 0; }
  std::size_t subscriptions() const { return filters.size() + shares->size(); }
};

class SessionTable {
 public:
  explicit SessionTable(std::uint64_t hash_seed = 0) : seed_(hash_seed), by_client_id_(0, SeededHash{hash_seed}) {}

  Session* find(std::string_view client_id);
  // Null for a number that is not in use.
  Session* find(std::uint32_t number) { return number < by_number_.size() ? by_number_[number] : nullptr; }
  // `client_id` is not in the table.
  Session& create(std::string_view client_id);
  void erase(Session& session);
  // The session becomes a remnant: it is found by its number alone. Its name stays, for people.
  void make_remnant(Session& session);
  Session& create_remnant();
  // Without remnants, which no client can come back to.
  std::size_t size() const { return by_client_id_.size(); }
  std::size_t remnants() const { return remnants_.size(); }
  // As Session::client_hash.
  std::uint64_t hash_of(std::string_view client_id) const { return broker::client_hash(client_id, seed_); }

  // Calls visit(Session&) for each that is no remnant; the table must not change meanwhile.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (auto& [id, session] : by_client_id_) visit(*session);
  }

 private:
  std::unique_ptr<Session> make();

  std::uint64_t seed_;
  std::unordered_map<std::string_view, std::unique_ptr<Session>, SeededHash, std::equal_to<>> by_client_id_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Session>> remnants_;  // by number
  std::vector<Session*> by_number_{nullptr};
  std::vector<std::uint32_t> generations_{0};
  std::vector<std::uint32_t> free_numbers_;
};

}  // namespace martlet::broker
