// One source of the answer to "who is this?": a link of the chain (auth/chain.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/grants.h"
#include "base/peer_facts.h"
#include "broker/ports.h"

namespace martlet::auth {

// A CONNECT's claim, owning its texts: it may wait for a worker.
struct Credentials {
  std::string client_id;
  std::optional<std::string> username;
  std::optional<std::vector<std::uint8_t>> password;  // wiped by the chain when it is done
  std::string peer_address;
  std::string listener;
  std::uint32_t listener_index = 0;
  std::shared_ptr<const PeerFacts> peer;  // null: plain TCP
};

struct Opinion {
  enum class Kind : std::uint8_t {
    allow,
    refuse,   // known, but the proof is wrong: nobody else is asked
    unknown,  // not this provider's client: the next one is asked
    failed,   // the provider cannot be asked now: refused (fail closed), with `reason` for the log
  };
  Kind kind = Kind::unknown;
  std::string username;  // allow: empty: that of the credentials
  std::shared_ptr<const ClientGrants> grants;
  std::int64_t until_wall_ms = 0;  // as AuthDecision's
  std::string reason;              // for log and verdict; no secret

  static Opinion allow() { return {Kind::allow, {}, {}, 0, {}}; }
  static Opinion refuse(std::string reason) { return {Kind::refuse, {}, {}, 0, std::move(reason)}; }
  static Opinion unknown() { return {}; }
  static Opinion failed(std::string reason) { return {Kind::failed, {}, {}, 0, std::move(reason)}; }
};

// What it is made of does not change; a new configuration makes a new one. Any thread, several at once.
class Provider {
 public:
  virtual ~Provider() = default;
  virtual std::string_view name() const = 0;
  // Whether check() may take longer than some tens of microseconds: then a worker calls it.
  virtual bool blocks() const = 0;
  virtual Opinion check(const Credentials& credentials, std::int64_t wall_ms) = 0;
};

}  // namespace martlet::auth
