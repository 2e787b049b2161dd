// Authentication and authorisation: answers at once, later and never; what is told of refusals.
#include <gmock/gmock.h>

#include <algorithm>

#include "broker/testing/broker_fixture.h"

namespace martlet::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::ProtocolVersion;
using wire::QoS;
using wire::ReasonCode;

struct NamedGrants final : Grants {
  explicit NamedGrants(int number_) : number(number_) {}
  int number;
};

int number_of(const Actor& actor) {
  return actor.grants ? static_cast<const NamedGrants*>(actor.grants)->number : 0;
}

AuthDecision with_grants(int number) {
  AuthDecision decision;
  decision.grants = std::make_shared<NamedGrants>(number);
  return decision;
}

wire::Connect with_method(std::string_view client_id, PropertyWriter& properties) {
  properties.add_text(PropertyId::authentication_method, "M");
  wire::Connect packet;
  packet.client_id = client_id;
  packet.properties = properties.properties();
  return packet;
}

// Each step says what the test wrote down.
class ScriptedExchange final : public AuthExchange {
 public:
  explicit ScriptedExchange(std::vector<AuthDecision>& decisions) : decisions_(decisions) {}
  AuthDecision step(ByteView, const QuestionId&) override {
    const AuthDecision next = decisions_.front();
    decisions_.erase(decisions_.begin());
    return next;
  }

 private:
  std::vector<AuthDecision>& decisions_;
};

AuthDecision challenge(std::string_view text) {
  AuthDecision decision;
  decision.kind = AuthDecision::Kind::challenge;
  decision.data.assign(text.begin(), text.end());
  return decision;
}

class BrokerAccessTest : public testing::BrokerFixture {
 protected:
  void authenticate_later() {
    access_.on_authenticate = [](const ConnectFacts& facts) {
      EXPECT_NE(facts.answers, nullptr);
      return AuthDecision::pending();
    };
  }
  void exchange(std::vector<AuthDecision> decisions) {
    decisions_ = std::move(decisions);
    access_.on_begin = [this](const ConnectFacts& facts) {
      access_.question = facts.question;
      return std::make_unique<ScriptedExchange>(decisions_);
    };
  }
  wire::Auth auth(ReasonCode reason) {
    properties_ = {};
    properties_.add_text(PropertyId::authentication_method, "M");
    return {reason, properties_.properties()};
  }
  void answer(AccessDecision decision) { broker().answered(access_.question, decision, now_); }
  void answer(AuthDecision decision) { broker().answered(access_.question, std::move(decision), now_); }

  std::vector<AuthDecision> decisions_;
  PropertyWriter properties_;
};

// ---- CONNECT

TEST_F(BrokerAccessTest, ConnectIsDecidedLater) {
  authenticate_later();
  const ConnectionId id = connect(hello("c"));
  EXPECT_THAT(written(id), IsEmpty());
  EXPECT_TRUE(transport_.at(id).paused);
  // What comes meanwhile waits, in order.
  subscribe(id, {"t"});
  publish(id, "t");
  EXPECT_THAT(written(id), IsEmpty());
  EXPECT_EQ(broker().next_deadline(), 1000 + options_.endpoint.connect_timeout_ms) << "nothing is polled";
  answer(AuthDecision::allow());
  broker().run_timers(now_);
  EXPECT_THAT(written(id), ElementsAre("CONNACK 00", "SUBACK 900 00", "PUBLISH 0 qos0 t=x"));
  EXPECT_FALSE(transport_.at(id).paused);
}

TEST_F(BrokerAccessTest, ConnectIsRefusedLater) {
  authenticate_later();
  const ConnectionId id = connect(hello("c"));
  publish(id, "t");
  answer(AuthDecision::refuse(ReasonCode::bad_user_name_or_password));
  EXPECT_THAT(written(id), ElementsAre(HasSubstr("CONNACK 86")));
  EXPECT_FALSE(transport_.is_open(id));
  EXPECT_EQ(verdicts(VerdictReason::denied), 1u);
  EXPECT_THAT(access_.asked, IsEmpty());
  answer(AuthDecision::allow());  // too late
  EXPECT_EQ(broker().sessions(), 0u);
}

TEST_F(BrokerAccessTest, AWrongPasswordMayBeAnsweredAsNotAuthorized) {
  options_.refuse_as_not_authorized = true;
  authenticate_later();
  const ConnectionId id = connect(hello("c"));
  answer(AuthDecision::refuse(ReasonCode::bad_user_name_or_password));
  EXPECT_THAT(written(id), ElementsAre(HasSubstr("CONNACK 87")));
}

TEST_F(BrokerAccessTest, ClientIdentifiersMayNeedAPrefix) {
  options_.required_id_prefix = "fleet-";
  const ConnectionId other = connect(hello("fleet"));
  EXPECT_THAT(written(other), ElementsAre(HasSubstr("CONNACK 87")));
  EXPECT_THAT(access_.asked, IsEmpty());
  const ConnectionId one = connect(hello("fleet-1"));
  EXPECT_THAT(written(one), ElementsAre(HasSubstr("CONNACK 00")));
}

TEST_F(BrokerAccessTest, AnswersToNobodyAreDropped) {
  authenticate_later();
  const ConnectionId id = connect(hello("c"));
  broker().answered({{id.slot, id.generation + 1}, 1}, AuthDecision::allow(), now_);
  broker().answered({{id.slot + 7, id.generation}, 1}, AuthDecision::allow(), now_);
  broker().answered({id, access_.question.number + 1}, AuthDecision::allow(), now_);
  answer(AccessDecision::allow());
  EXPECT_THAT(written(id), IsEmpty());
  answer(AuthDecision::allow());
  EXPECT_THAT(written(id), ElementsAre("CONNACK 00"));
  answer(AuthDecision::refuse(ReasonCode::not_authorized));  // a second time
  EXPECT_TRUE(transport_.is_open(id));
}

TEST_F(BrokerAccessTest, AConnectionThatIsLostMeanwhile) {
  authenticate_later();
  const ConnectionId id = connect(hello("c"));
  publish(id, "t");
  lose(id);
  answer(AuthDecision::allow());
  EXPECT_EQ(broker().sessions(), 0u);
  EXPECT_EQ(verdicts(VerdictReason::network_error), 1u);
  EXPECT_EQ(verdicts(VerdictReason::protocol_error), 0u) << "nothing of it was looked at";
  // The same slot, another connection: the old answer is not its.
  const QuestionId old = access_.question;
  const ConnectionId next = connect(hello("d"));
  EXPECT_EQ(next.slot, id.slot);
  broker().answered(old, AuthDecision::allow(), now_);
  EXPECT_THAT(written(next), IsEmpty());
}

TEST_F(BrokerAccessTest, AnotherConnectionOfTheSameClientComesFirst) {
  authenticate_later();
  const ConnectionId first = connect(hello("c"));
  const QuestionId of_first = access_.question;
  const ConnectionId second = connect(hello("c"));
  answer(AuthDecision::allow());
  EXPECT_THAT(written(second), ElementsAre("CONNACK 00"));
  broker().answered(of_first, AuthDecision::allow(), now_);  // which is the later one, then
  EXPECT_THAT(written(first), ElementsAre(HasSubstr("CONNACK 00")));
  EXPECT_THAT(written(second), ElementsAre(HasSubstr("DISCONNECT 8E")));
  EXPECT_EQ(broker().sessions(), 1u);
}

TEST_F(BrokerAccessTest, WithoutAnAnswerTheConnectTimeoutEnds) {
  authenticate_later();
  const ConnectionId id = connect(hello("c"));
  pass_ms(options_.endpoint.connect_timeout_ms - 1);
  EXPECT_TRUE(transport_.is_open(id));
  pass_ms(1);
  EXPECT_THAT(written(id), ElementsAre(HasSubstr("CONNACK 88")));
  EXPECT_FALSE(transport_.is_open(id));
}

TEST_F(BrokerAccessTest, WhereNobodyHearsAnswersPendingIsARefusal) {
  answers_ = nullptr;
  access_.on_authenticate = [](const ConnectFacts&) { return AuthDecision::pending(); };
  EXPECT_THAT(written(connect(hello("c"))), ElementsAre(HasSubstr("CONNACK 88")));
  access_.on_authenticate = nullptr;
  access_.on_publish = access_.on_subscribe = [](const Actor&, std::string_view) { return AccessDecision::wait(); };
  const ConnectionId id = connect("c");
  publish(id, "t", 1);
  subscribe(id, {"t"});
  EXPECT_THAT(written(id), ElementsAre(HasSubstr("PUBACK 1 87"), "SUBACK 900 87"));
}

TEST_F(BrokerAccessTest, TheWillIsDecidedLater) {
  access_.on_publish = [](const Actor& actor, std::string_view) {
    EXPECT_EQ(actor.username, "user");
    EXPECT_EQ(number_of(actor), 3);
    return AccessDecision::wait();
  };
  access_.on_authenticate = [](const ConnectFacts&) { return with_grants(3); };
  wire::Connect packet = hello("c");
  packet.username = "user";
  packet.will = wire::Will{"gone", {}, QoS::at_most_once, false, {}};
  const ConnectionId refused = connect(packet);
  EXPECT_THAT(written(refused), IsEmpty());
  answer(AccessDecision::deny("no wills"));
  EXPECT_THAT(written(refused), ElementsAre(HasSubstr("CONNACK 87")));
  const ConnectionId allowed = connect(packet);
  answer(AccessDecision::allow());
  EXPECT_THAT(written(allowed), ElementsAre("CONNACK 00"));
}

TEST_F(BrokerAccessTest, EnhancedAuthenticationStepsLater) {
  exchange({AuthDecision::pending(), AuthDecision::pending()});
  PropertyWriter properties;
  const ConnectionId id = connect(with_method("c", properties));
  answer(challenge("what?"));
  EXPECT_THAT(written(id), ElementsAre("AUTH 18 15=M 16=what?"));
  EXPECT_FALSE(transport_.at(id).paused);
  send(id, auth(ReasonCode::continue_authentication));
  EXPECT_THAT(written(id), IsEmpty());
  AuthDecision last;
  last.data = {'!'};
  broker().answered({id, access_.question.number + 1}, last, now_);
  EXPECT_THAT(written(id), ElementsAre("CONNACK 00 15=M 16=!"));
}

TEST_F(BrokerAccessTest, ReauthenticationIsDecidedLater) {
  exchange({with_grants(1), AuthDecision::pending()});
  std::vector<int> seen;
  access_.on_publish = [&](const Actor& actor, std::string_view) {
    seen.push_back(number_of(actor));
    return AccessDecision::allow();
  };
  PropertyWriter properties;
  const ConnectionId id = connect(with_method("c", properties));
  publish(id, "t");
  send(id, auth(ReasonCode::reauthenticate));
  publish(id, "t");  // waits
  written(id);
  answer(with_grants(2));
  broker().run_timers(now_);
  EXPECT_THAT(written(id), ElementsAre("AUTH 00 15=M"));
  EXPECT_THAT(seen, ElementsAre(1, 2));
}

TEST_F(BrokerAccessTest, ReauthenticationAsSomebodyElse) {
  AuthDecision other;
  other.username = "other";
  AuthDecision user;
  user.username = "user";
  exchange({user, user, other});
  PropertyWriter properties;
  const ConnectionId id = connect(with_method("c", properties));
  send(id, auth(ReasonCode::reauthenticate));
  EXPECT_TRUE(transport_.is_open(id));
  send(id, auth(ReasonCode::reauthenticate));
  EXPECT_FALSE(transport_.is_open(id));
}

TEST_F(BrokerAccessTest, ATokenExpires) {
  AuthDecision until;
  until.until_wall_ms = now_.wall_ms + 5'000;
  AuthDecision later = until;
  later.until_wall_ms += 5'000;
  exchange({until, later});
  PropertyWriter properties;
  const ConnectionId id = connect(with_method("c", properties));
  send(id, auth(ReasonCode::reauthenticate));
  written(id);
  pass_ms(9'999);
  EXPECT_TRUE(transport_.is_open(id));
  pass_ms(1);
  EXPECT_THAT(written(id), ElementsAre("DISCONNECT 87 1F=the token has expired"));
  EXPECT_EQ(verdicts(VerdictReason::denied), 1u);
  // One that has expired already lets nobody in.
  access_.on_authenticate = [&](const ConnectFacts&) { return until; };
  EXPECT_THAT(written(connect(hello("d"))), ElementsAre("CONNACK 87 1F=the token has expired"));
}

TEST_F(BrokerAccessTest, ATokenExpiresWhileTheWillIsDecided) {
  access_.on_authenticate = [&](const ConnectFacts&) {
    AuthDecision until;
    until.until_wall_ms = now_.wall_ms + 1'000;
    return until;
  };
  access_.on_publish = [](const Actor&, std::string_view) { return AccessDecision::wait(); };
  wire::Connect packet = hello("c");
  packet.will = wire::Will{"gone", {}, QoS::at_most_once, false, {}};
  const ConnectionId id = connect(packet);
  pass_ms(20'000);
  EXPECT_THAT(written(id), ElementsAre("CONNACK 87 1F=the token has expired"));
  answer(AccessDecision::allow());
  EXPECT_EQ(broker().sessions(), 0u);
}

TEST_F(BrokerAccessTest, ThoseWhoWaitForAnAnswerDoNotPassTheLimitTogether) {
  options_.max_connections = 1;
  authenticate_later();
  const ConnectionId first = connect(hello("a"));
  const QuestionId of_first = access_.question;
  const ConnectionId second = connect(hello("b"));
  answer(AuthDecision::allow());
  EXPECT_THAT(written(second), ElementsAre("CONNACK 00"));
  broker().answered(of_first, AuthDecision::allow(), now_);
  EXPECT_THAT(written(first), ElementsAre(HasSubstr("CONNACK 89")));
  EXPECT_FALSE(transport_.is_open(first));
}

TEST_F(BrokerAccessTest, AnotherUserGetsNoSessionAndEndsNoConnection) {
  const ConnectionId owner = connect("c", 100, 0, "owner");
  subscribe(owner, {"secret"}, 1);
  const auto come = [&](std::optional<std::string_view> username, bool clean_start) {
    wire::Connect packet = hello("c");
    packet.username = username;
    packet.clean_start = clean_start;
    return written(connect(packet));
  };
  const auto is_refused = ElementsAre(HasSubstr("CONNACK 87"));
  EXPECT_THAT(come("thief", false), is_refused);
  EXPECT_THAT(come("thief", true), is_refused);
  EXPECT_THAT(come(std::nullopt, false), is_refused);
  EXPECT_TRUE(transport_.is_open(owner));
  lose(owner);
  EXPECT_THAT(come("thief", false), is_refused);
  EXPECT_THAT(come("thief", true), is_refused);
  EXPECT_EQ(log_.count("is refused: mqtt.session_bound_to_user"), 5u);
  publish(connect("p"), "secret", 1);
  EXPECT_THAT(come("owner", false), ElementsAre("CONNACK 00 present", HasSubstr("secret=x")));
}

TEST_F(BrokerAccessTest, ASessionOfNobodyIsForWhoeverComes) {
  lose(connect("c", 100));
  EXPECT_THAT(written(connect(hello("c", "ada"))), ElementsAre("CONNACK 00 present"));
}

TEST_F(BrokerAccessTest, AClientIdentifierAloneCanBeMadeToNameASession) {
  options_.session_bound_to_user = false;
  lose(connect("c", 100, 0, "owner"));
  EXPECT_THAT(written(connect(hello("c", "heir"))), ElementsAre("CONNACK 00 present"));
}

TEST_F(BrokerAccessTest, AnAnonymousClientIsNobodyWhateverItSays) {
  access_.on_authenticate = [](const ConnectFacts&) {
    AuthDecision decision = AuthDecision::allow();
    decision.anonymous = true;
    return decision;
  };
  const ConnectionId id = connect("c", 0, 0, "admin");
  std::string asked = "nobody asked";
  access_.on_publish = [&](const Actor& actor, std::string_view) {
    asked = actor.username;
    return AccessDecision::allow();
  };
  publish(id, "t", 0);
  EXPECT_EQ(asked, "");
}

// ---- PUBLISH and SUBSCRIBE

TEST_F(BrokerAccessTest, TheAuthorizerLearnsWhoAsks) {
  add_listener();
  add_listener();
  const auto peer = std::make_shared<const PeerFacts>();
  access_.on_authenticate = [&](const ConnectFacts& facts) {
    EXPECT_EQ(facts.peer, peer.get());
    EXPECT_EQ(facts.listener_index, 1u);
    AuthDecision decision = with_grants(8);
    decision.username = "real";
    return decision;
  };
  access_.on_publish = [&](const Actor& actor, std::string_view) {
    EXPECT_EQ(actor.client_id, "c");
    EXPECT_EQ(actor.username, "real");
    EXPECT_EQ(actor.peer_address, "192.0.2.1:5");
    EXPECT_EQ(actor.listener_index, 1u);
    EXPECT_EQ(actor.peer, peer.get());
    EXPECT_EQ(number_of(actor), 8);
    return AccessDecision::allow();
  };
  const ConnectionId id = open(1, peer);
  send(id, hello("c"));
  publish(id, "t");
  EXPECT_THAT(access_.asked, ElementsAre("publish t"));
}

TEST_F(BrokerAccessTest, APublishIsDecidedLaterInItsPlace) {
  const ConnectionId subscriber = connect("s");
  subscribe(subscriber, {"#"}, 2);
  written(subscriber);
  access_.on_publish = [](const Actor&, std::string_view topic) {
    return topic == "slow" ? AccessDecision::wait() : AccessDecision::allow();
  };
  const ConnectionId id = connect("c");
  publish(id, "slow", 1, "first");
  publish(id, "fast", 1, "second");
  EXPECT_THAT(written(subscriber), IsEmpty());
  answer(AccessDecision::allow());
  broker().run_timers(now_);
  EXPECT_THAT(written(subscriber), ElementsAre("PUBLISH 1 qos1 slow=first", "PUBLISH 2 qos1 fast=second"));
  EXPECT_THAT(written(id), ElementsAre("PUBACK 1 00", "PUBACK 1 00"));
}

TEST_F(BrokerAccessTest, APublishIsDeniedLater) {
  access_.on_publish = [](const Actor&, std::string_view) { return AccessDecision::wait(); };
  const ConnectionId id = connect("c");
  publish(id, "t", 2);
  answer(AccessDecision::deny("rules:3"));
  EXPECT_THAT(written(id), ElementsAre("PUBREC 1 87 1F=rules:3"));
  EXPECT_EQ(verdicts(VerdictReason::denied), 1u);
}

TEST_F(BrokerAccessTest, APublishWhoseConnectionIsLostOrTakenOver) {
  const ConnectionId subscriber = connect("s");
  subscribe(subscriber, {"#"});
  written(subscriber);
  access_.on_publish = [](const Actor& actor, std::string_view topic) {
    return topic == "slow" && actor.answers ? AccessDecision::wait() : AccessDecision::allow();
  };
  const ConnectionId lost = connect("c");
  publish(lost, "slow");
  publish(lost, "fast");
  lose(lost);
  answer(AccessDecision::allow());
  EXPECT_THAT(written(subscriber), ElementsAre("PUBLISH 0 qos0 fast=x")) << "its last words count";
  const ConnectionId taken = connect("c");
  publish(taken, "slow");
  connect("c");
  answer(AccessDecision::allow());
  EXPECT_FALSE(transport_.is_open(taken));
  EXPECT_THAT(written(subscriber), IsEmpty());
}

TEST_F(BrokerAccessTest, WhoHoldsAClientIsNotItsSilence) {
  access_.on_publish = [](const Actor&, std::string_view) { return AccessDecision::wait(); };
  wire::Connect packet = hello("c");
  packet.keep_alive_s = 5;
  const ConnectionId id = connect(packet);
  publish(id, "t", 1);
  written(id);
  for (int second = 0; second < 29; ++second) pass_ms(1'000);
  EXPECT_TRUE(transport_.is_open(id));
  pass_ms(1'000);
  EXPECT_THAT(written(id), ElementsAre(HasSubstr("PUBACK 1 87 1F=the authorizer did not answer")));
  EXPECT_FALSE(transport_.at(id).paused);
  pass_ms(7'500);
  EXPECT_FALSE(transport_.is_open(id)) << "from now on it is";
}

TEST_F(BrokerAccessTest, FiltersAreAskedOneAfterTheOther) {
  access_.on_subscribe = [](const Actor&, std::string_view filter) {
    return filter.starts_with("slow") ? AccessDecision::wait() : AccessDecision::deny("quick");
  };
  const ConnectionId id = connect("c");
  subscribe(id, {"slow/1", "fast", "bad/#/filter", "slow/2", "$share/g/slow/3"}, 1);
  EXPECT_THAT(access_.asked, ElementsAre("subscribe slow/1"));
  answer(AccessDecision::allow());
  EXPECT_THAT(access_.asked, ElementsAre("subscribe slow/1", "subscribe fast", "subscribe slow/2"));
  answer(AccessDecision::deny("late"));
  EXPECT_THAT(written(id), IsEmpty());
  answer(AccessDecision::allow());
  EXPECT_THAT(written(id), ElementsAre("SUBACK 900 01 87 8F 87 01"));
  EXPECT_EQ(access_.asked.back(), "subscribe slow/3") << "without the group";
  EXPECT_EQ(broker().subscriptions(), 2u);
}

// ---- what is told of refusals

TEST_F(BrokerAccessTest, ADenialIsLoggedWithItsRuleAndNotTooOften) {
  access_.on_publish =
      access_.on_subscribe = [](const Actor&, std::string_view) { return AccessDecision::deny("acl:7"); };
  const ConnectionId noisy = connect("noisy", 0, 0, "eve");
  for (int i = 0; i < 100; ++i) publish(noisy, "t");
  const ConnectionId quiet = connect("quiet");
  publish(quiet, "t");
  subscribe(noisy, {"f"});
  EXPECT_EQ(verdicts(VerdictReason::denied), 102u);
  EXPECT_EQ(log_.count("may not"), 3u);
  EXPECT_EQ(log_.count("client \"noisy\" (user \"eve\") at 192.0.2.1:5 may not publish to \"t\": acl:7"), 1u);
  EXPECT_EQ(log_.count("client \"quiet\""), 2u);
  EXPECT_EQ(log_.count("may not subscribe to \"f\": acl:7"), 1u);
  pass_ms(1'000);
  publish(noisy, "t");
  EXPECT_EQ(log_.count("acl:7; 99 more since the last such line"), 1u);
  EXPECT_EQ(log_.facts("99 more"), "2 noisy|192.0.2.1:5|eve|default action=publish topic=t rule=acl:7 left_out=99");
  EXPECT_EQ(log_.count("client \"quiet\" (anonymous) at 192.0.2.1:5 may not publish"), 1u);
}

TEST_F(BrokerAccessTest, DenialsThatNoLineFollowsAreToldAtTheEnd) {
  access_.on_publish = [](const Actor&, std::string_view) { return AccessDecision::deny("acl:7"); };
  const ConnectionId id = connect("c", 0, 0, "eve");
  for (int i = 0; i < 3; ++i) publish(id, "t");
  broker().connection_lost(id, LostBy::peer_closed, now_);
  EXPECT_EQ(log_.count("client \"c\" (user \"eve\") at 192.0.2.1:5: 2 more since the last line about what it may not "
                       "publish to"),
            1u);
  EXPECT_EQ(log_.facts("2 more"), "2 c|192.0.2.1:5|eve|default action=publish left_out=2");
}

TEST_F(BrokerAccessTest, ARefusedLogInHasOneLineThatSaysWhoAndWhy) {
  access_.on_authenticate = [](const ConnectFacts&) {
    AuthDecision decision = AuthDecision::refuse(ReasonCode::bad_user_name_or_password, "for the client");
    decision.detail = "users: wrong password";
    return decision;
  };
  wire::Connect packet = hello("c");
  packet.username = "bob";
  connect(packet);
  EXPECT_EQ(log_.count("client \"c\" (user \"bob\") at 192.0.2.1:5 is refused: authentication: users: wrong password, "
                       "reason 0x86 ("),
            1u);
  EXPECT_EQ(log_.facts("is refused"),
            "2 c|192.0.2.1:5|bob|default reason=authentication: users: wrong password reason_code=0x86");
  EXPECT_EQ(log_.facts("client \"c\" at 192.0.2.1:5 is gone"), "0 c|192.0.2.1:5|bob|default reason=authentication")
      << "for debugging only";
  connect("anonymous one");
  EXPECT_EQ(log_.count("client \"anonymous one\" (anonymous) at 192.0.2.1:5 is refused"), 1u);
}

TEST_F(BrokerAccessTest, ATokenInPlaceOfAUserNameIsNotLogged) {
  access_.on_authenticate = [](const ConnectFacts&) {
    return AuthDecision::refuse(ReasonCode::server_unavailable);  // it may be good, and is to be tried again
  };
  connect(hello("c", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.AAAA"));
  EXPECT_EQ(log_.count("AAAA"), 0u);
  EXPECT_EQ(log_.count("client \"c\" (user \"(a token)\") at 192.0.2.1:5 is refused"), 1u);
  EXPECT_THAT(log_.facts("is refused"), HasSubstr("|(a token)|"));
  connect(hello("c", "eyJ.no.token.at.all"));
  EXPECT_EQ(log_.count("user \"eyJ.no.token.at.all\""), 1u);
}

// A service that takes tokens may give the client no other name.
TEST_F(BrokerAccessTest, ATokenThatIsAUserNameIsNotLoggedEither) {
  connect(hello("c", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.AAAA"));
  EXPECT_EQ(log_.count("AAAA"), 0u);
  EXPECT_EQ(log_.facts("is connected as"), "1 c|192.0.2.1:5|(a token)|default");
}

TEST_F(BrokerAccessTest, ComingAndGoingNameTheirClient) {
  const ConnectionId id = connect("c", 0, 0, "eve");
  EXPECT_EQ(log_.facts("is connected as \"eve\""), "1 c|192.0.2.1:5|eve|default");
  broker().connection_lost(id, LostBy::peer_closed, now_);
  EXPECT_EQ(log_.facts("client \"c\" at 192.0.2.1:5 is gone"),
            "1 c|192.0.2.1:5|eve|default reason=the peer closed without DISCONNECT");
  const ConnectionId nameless = open();
  broker().bytes_received(nameless, std::vector<std::uint8_t>{0x00, 0x00}, now_);
  EXPECT_EQ(log_.count("a client at 192.0.2.1:5 is disconnected"), 1u);
  EXPECT_EQ(log_.facts("is gone").substr(0, 23), "0 |192.0.2.1:5||default");
}

TEST_F(BrokerAccessTest, PasswordsAreNotLogged) {
  access_.on_authenticate = [](const ConnectFacts&) { return AuthDecision::refuse(ReasonCode::not_authorized); };
  wire::Connect packet = hello("c");
  packet.username = "user";
  packet.password = as_bytes("secret");
  connect(packet);
  EXPECT_GT(log_.count("client \"c\" at 192.0.2.1:5"), 0u);
  EXPECT_EQ(log_.count("secret"), 0u);
}

}  // namespace
}  // namespace martlet::broker
