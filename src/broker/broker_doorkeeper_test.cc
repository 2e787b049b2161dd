// What the doorkeeper is told of log-ins, and what it keeps out.
#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/testing/broker_fixture.h"

namespace martlet::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using wire::ReasonCode;

class NotedDoor final : public Doorkeeper {
 public:
  ReasonCode admit(const ConnectFacts& facts, const Now&) override {
    EXPECT_EQ(facts.peer_address, "192.0.2.1:5");
    notes.push_back("admit " + std::string(facts.client_id));
    return reason;
  }
  std::optional<Check> begin_check(std::string_view peer_address, const Now&) override {
    EXPECT_EQ(peer_address, "192.0.2.1:5");
    if (busy) return std::nullopt;
    ++waiting;
    return ++last;
  }
  void checked(Check check, std::string_view peer_address, CheckEnd end, const Now&) override {
    EXPECT_EQ(peer_address, "192.0.2.1:5");
    --waiting;
    const char* word = end == CheckEnd::undecided ? "undecided" : end == CheckEnd::allowed ? "allowed" : "refused";
    notes.push_back(std::to_string(check) + " " + word);
  }
  void identified(const ConnectFacts& facts, const Now&) override {
    notes.push_back("is " + std::string(facts.client_id));
  }
  ReasonCode reason = ReasonCode::success;
  bool busy = false;
  int waiting = 0;
  Check last = 0;
  std::vector<std::string> notes;
};

class BrokerDoorkeeperTest : public testing::BrokerFixture {
 protected:
  void authenticate_later() {
    access_.on_authenticate = [](const ConnectFacts&) { return AuthDecision::pending(); };
  }
  void answer(AuthDecision decision) { broker().answered(access_.question, std::move(decision), now_); }
};

TEST_F(BrokerDoorkeeperTest, TheDoorkeeperSeesWhoComesAndHowItEnded) {
  NotedDoor door;
  doorkeeper_ = &door;
  connect("a");
  authenticate_later();
  connect(hello("b"));
  EXPECT_THAT(std::exchange(door.notes, {}), ElementsAre("admit a", "1 allowed", "is a", "admit b"));
  answer(AuthDecision::refuse(ReasonCode::not_authorized));
  EXPECT_THAT(std::exchange(door.notes, {}), ElementsAre("2 refused"));
  door.reason = ReasonCode::banned;
  access_.on_authenticate = [](const ConnectFacts&) {
    ADD_FAILURE() << "nobody is asked about who may not try";
    return AuthDecision::allow();
  };
  EXPECT_THAT(written(connect(hello("c"))), ElementsAre(HasSubstr("CONNACK 8A")));
  EXPECT_THAT(door.notes, ElementsAre("admit c"));
}

// Else a user could have another's client identifier banned, by coming often enough under it.
TEST_F(BrokerDoorkeeperTest, WhoMayNotHaveAClientIdentifierIsNotCountedForIt) {
  NotedDoor door;
  doorkeeper_ = &door;
  connect(hello("a", "ann"));
  EXPECT_THAT(std::exchange(door.notes, {}), ElementsAre("admit a", "1 allowed", "is a"));
  connect(hello("a", "bob"));
  EXPECT_THAT(std::exchange(door.notes, {}), ElementsAre("admit a", "2 allowed"));
  connect(hello("a", "ann"));
  EXPECT_THAT(door.notes, ElementsAre("admit a", "3 allowed", "is a"));
}

// Else an outage of a service would ban everybody who comes back and asks again.
TEST_F(BrokerDoorkeeperTest, WhoCouldNotBeAskedAboutIsNoFailureForTheDoorkeeper) {
  NotedDoor door;
  doorkeeper_ = &door;
  for (const ReasonCode reason : {ReasonCode::server_unavailable, ReasonCode::server_busy}) {
    access_.on_authenticate = [reason](const ConnectFacts&) { return AuthDecision::refuse(reason); };
    connect("a");
    EXPECT_THAT(std::exchange(door.notes, {}), ElementsAre("admit a", HasSubstr("undecided")));
  }
}

// Else a password could be guessed uncounted, and the authenticator asked without end, by closing early.
TEST_F(BrokerDoorkeeperTest, TheDoorkeeperHearsTheAnswerThatTheClientDidNotStayFor) {
  NotedDoor door;
  doorkeeper_ = &door;
  authenticate_later();
  const ConnectionId id = connect(hello("a"));
  const QuestionId question = access_.question;
  lose(id);
  EXPECT_EQ(door.waiting, 1) << "it is still being checked";
  connect(hello("b"));  // in the same slot
  EXPECT_EQ(door.waiting, 2);
  broker().answered({question.connection, question.number + 1}, AuthDecision::allow(), now_);
  EXPECT_EQ(door.waiting, 2);
  broker().answered(question, AuthDecision::refuse(ReasonCode::bad_user_name_or_password), now_);
  broker().answered(question, AuthDecision::refuse(ReasonCode::bad_user_name_or_password), now_);
  EXPECT_EQ(door.waiting, 1);
  EXPECT_THAT(door.notes, ElementsAre("admit a", "admit b", "1 refused"));
}

TEST_F(BrokerDoorkeeperTest, TooManyThatWaitAreRefusedAsBusyAndNobodyIsAskedAboutThem) {
  NotedDoor door;
  doorkeeper_ = &door;
  door.busy = true;
  access_.on_authenticate = [](const ConnectFacts&) {
    ADD_FAILURE() << "nobody is asked";
    return AuthDecision::allow();
  };
  EXPECT_THAT(written(connect(hello("c"))), ElementsAre(HasSubstr("CONNACK 89")));
  EXPECT_THAT(door.notes, ElementsAre("admit c"));
}

TEST_F(BrokerDoorkeeperTest, EveryStepOfAnExchangeIsACheckThatEnds) {
  NotedDoor door;
  doorkeeper_ = &door;
  // The first step is answered by a challenge, the second one later.
  class TwoSteps final : public AuthExchange {
   public:
    AuthDecision step(ByteView, const QuestionId& question) override {
      asked = question;
      AuthDecision decision;
      decision.kind = std::exchange(first_, false) ? AuthDecision::Kind::challenge : AuthDecision::Kind::pending;
      return decision;
    }
    QuestionId asked;

   private:
    bool first_ = true;
  };
  TwoSteps* steps = nullptr;
  access_.on_begin = [&](const ConnectFacts&) {
    auto made = std::make_unique<TwoSteps>();
    steps = made.get();
    return made;
  };
  wire::PropertyWriter properties;
  properties.add_text(wire::PropertyId::authentication_method, "M");
  wire::Connect packet = hello("c");
  packet.properties = properties.properties();
  const ConnectionId id = connect(packet);
  EXPECT_EQ(door.waiting, 0);
  send(id, wire::Auth{ReasonCode::continue_authentication, properties.properties()});
  EXPECT_EQ(door.waiting, 1);
  const QuestionId question = steps->asked;
  lose(id);
  broker().answered(question, AuthDecision::refuse(ReasonCode::not_authorized), now_);
  EXPECT_THAT(door.notes, ElementsAre("admit c", "1 undecided", "2 refused"));
}

}  // namespace
}  // namespace martlet::broker
