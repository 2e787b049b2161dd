// A network connection as the broker sees it, from accept to close.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/compact_text.h"
#include "base/lazy.h"
#include "broker/listener_policy.h"
#include "broker/pending_connect.h"
#include "broker/pending_request.h"
#include "broker/ports.h"
#include "broker/publish_quota.h"
#include "session/endpoint.h"

namespace martlet::broker {

// Which question's answer a connection waits for.
enum class Awaits : std::uint8_t { nothing, authentication, will, publish, subscribe };

// What most connections never have, or only while they connect.
struct Aside {
  std::unique_ptr<PendingConnect> pending;  // between CONNECT and the decision on it
  std::unique_ptr<AuthExchange> exchange;
  std::unique_ptr<PendingRequest> request;  // that waits for an answer
  std::unique_ptr<PublishQuota> quota;      // null: it may publish as fast as it likes
  std::shared_ptr<const PeerFacts> peer;    // null: plain TCP
  std::optional<Doorkeeper::Check> check;   // that the doorkeeper waits for the end of
  DeadlineMs expires_at_ms = kNever;        // what the client proved itself with is good no longer

  bool empty() const {
    return !pending && !exchange && !request && !quota && !peer && !check && expires_at_ms == kNever;
  }
};

struct Connection {
  Connection(ConnectionId id_, const ListenerPolicy& policy_, const Now& now)
      : id(id_), endpoint(policy_.endpoint, now), policy(&policy_) {}

  ConnectionId id;
  session::Endpoint endpoint;
  Session* session = nullptr;    // once CONNECT was accepted
  const ListenerPolicy* policy;  // lives longer
  CompactText address;           // of the peer, while there is no session to keep it
  Lazy<Aside> aside;
  std::vector<std::uint8_t> unread;    // packets that wait for the next turn
  DeadlineMs timer_ms = kNever;        // the earliest entry in the deadline queue
  DeadlineMs stuck_since_ms = kNever;  // the outbox has been full since, without the peer taking anything
  std::uint64_t stuck_at_bytes = 0;    // how much the peer had taken then
  std::uint32_t listener_index = 0;
  std::uint32_t questions = 0;  // asked so far: the number of the last one, which may be waited for
  Awaits awaits = Awaits::nothing;
  bool last_words = false;  // it is lost, nothing can wait for an answer any more
  bool reading_paused = false;
  bool fans_out = false;     // is not read on: a message of its own is being given out in parts
  bool loads_later = false;  // a deadline is set at which it goes on with what waits in the log
  bool gated = false;        // is in the list of those that wait for the disk
  bool ended = false;        // detached from its session; freed at the end of the event

  // Gives back the memory of what is no longer there.
  void tidy() {
    if (aside->empty()) aside.reset();
  }
  // Its packets wait, for an answer or for tokens.
  bool held() const { return awaits != Awaits::nothing || (aside->quota && aside->quota->held_until_ms != kNever); }
  std::string_view peer_address() const { return session ? session->peer_address.view() : address.view(); }
};

}  // namespace martlet::broker
