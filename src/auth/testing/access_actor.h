// A client that asks for something, for tests.
#pragma once

#include <string>
#include <vector>

#include "auth/access_source.h"
#include "auth/grants.h"
#include "base/peer_facts.h"

namespace martlet::auth {

// Owns what broker::Actor only views.
struct TestActor {
  std::string client = "c1";
  std::string user;
  std::string address = "192.0.2.1:50123";
  std::uint32_t listener = 0;
  PeerFacts peer;
  ClientGrants grants;

  broker::Actor actor() const {
    broker::Actor actor;
    actor.client_id = client;
    actor.username = user;
    actor.peer_address = address;
    actor.listener_index = listener;
    actor.peer = &peer;
    actor.grants = &grants;
    return actor;
  }
};

inline AccessQuestion publish(std::string_view topic, int qos = 0, bool retain = false) {
  return {Action::publish, topic, static_cast<wire::QoS>(qos), retain};
}
inline AccessQuestion subscribe(std::string_view filter, int qos = 0) {
  return {Action::subscribe, filter, static_cast<wire::QoS>(qos), false};
}
inline AccessQuestion receive(std::string_view topic) {
  return {Action::receive, topic, wire::QoS::at_most_once, false};
}

// "allow rules.toml:1", "deny", "unknown".
inline std::string to_text(const AccessOpinion& opinion) {
  static constexpr const char* kKinds[] = {"allow", "deny", "unknown", "pending"};
  const std::string kind = kKinds[static_cast<std::size_t>(opinion.kind)];
  return opinion.rule[0] ? kind + " " + opinion.rule : kind;
}

}  // namespace martlet::auth
