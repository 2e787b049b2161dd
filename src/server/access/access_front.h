// What a core asks who may connect and do what: the policy of the moment. One for each core; its thread.
#pragma once

#include <memory>
#include <utility>

#include "auth/access_chain.h"
#include "auth/chain.h"
#include "broker/ports.h"

namespace martlet::server {

// Shared by all cores; replaced as a whole when the configuration is read again. Questions under way keep the one that
// they were put to.
struct AccessPolicy {
  std::shared_ptr<auth::Chain> authentication;
  std::shared_ptr<auth::AccessChain> authorization;
};

class AccessFront final : public broker::Authenticator, public broker::Authorizer {
 public:
  explicit AccessFront(AccessPolicy policy) : policy_(std::move(policy)) {}

  // From now on it holds.
  void use(AccessPolicy policy) { policy_ = std::move(policy); }

  broker::AuthDecision authenticate(const broker::ConnectFacts& facts) override {
    return policy_.authentication->authenticate(facts);
  }
  std::unique_ptr<broker::AuthExchange> begin(std::string_view method, const broker::ConnectFacts& facts) override {
    return policy_.authentication->begin(method, facts);
  }
  broker::AccessDecision may_publish(const broker::Actor& actor, std::string_view topic, wire::QoS qos,
                                     bool retain) override {
    return policy_.authorization->may_publish(actor, topic, qos, retain);
  }
  broker::AccessDecision may_subscribe(const broker::Actor& actor, std::string_view filter, wire::QoS qos) override {
    return policy_.authorization->may_subscribe(actor, filter, qos);
  }
  bool checks_receive() const override { return policy_.authorization->checks_receive(); }
  broker::AccessDecision may_receive(const broker::Actor& actor, std::string_view topic) override {
    return policy_.authorization->may_receive(actor, topic);
  }

 private:
  AccessPolicy policy_;
};

}  // namespace martlet::server
