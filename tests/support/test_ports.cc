#include "tests/support/test_ports.h"

#include "base/bytes.h"

namespace martlet::test {
namespace {

using broker::AuthDecision;

class Challenge : public broker::AuthExchange {
 public:
  AuthDecision step(ByteView data, const broker::QuestionId&) override {
    if (!challenged_) {
      challenged_ = true;
      AuthDecision decision;
      decision.kind = AuthDecision::Kind::challenge;
      decision.data = {'c', '1'};
      return decision;
    }
    if (as_text(data) == "ok") return AuthDecision::allow();
    return AuthDecision::refuse(wire::ReasonCode::not_authorized, "the proof is wrong");
  }

 private:
  bool challenged_ = false;
};

class OneStep : public broker::AuthExchange {
 public:
  AuthDecision step(ByteView, const broker::QuestionId&) override {
    AuthDecision decision = AuthDecision::allow();
    decision.data = {'d', 'o', 'n', 'e'};
    return decision;
  }
};

// Without the prefix of a shared subscription.
std::string_view plain_filter(std::string_view filter) {
  if (!filter.starts_with("$share/")) return filter;
  const std::size_t slash = filter.find('/', 7);
  return slash == std::string_view::npos ? std::string_view() : filter.substr(slash + 1);
}

broker::AccessDecision decide(std::string_view topic) {
  return topic.starts_with("denied/") ? broker::AccessDecision::deny("test rule") : broker::AccessDecision();
}

}  // namespace

AuthDecision TestAuthenticator::authenticate(const broker::ConnectFacts& facts) {
  if (facts.password && as_text(*facts.password) == "wrong") {
    return AuthDecision::refuse(wire::ReasonCode::bad_user_name_or_password, "the password is wrong");
  }
  if (facts.username == "banned") return AuthDecision::refuse(wire::ReasonCode::banned);
  return AuthDecision::allow();
}

std::unique_ptr<broker::AuthExchange> TestAuthenticator::begin(std::string_view method, const broker::ConnectFacts&) {
  if (method == "TEST-CHAL") return std::make_unique<Challenge>();
  if (method == "TEST-ONE") return std::make_unique<OneStep>();
  return nullptr;
}

broker::AccessDecision TestAuthorizer::may_publish(const broker::Actor&, std::string_view topic, wire::QoS, bool) {
  return decide(topic);
}

broker::AccessDecision TestAuthorizer::may_subscribe(const broker::Actor&, std::string_view filter, wire::QoS) {
  return decide(plain_filter(filter));
}

}  // namespace martlet::test
