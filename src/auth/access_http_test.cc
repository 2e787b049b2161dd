#include "auth/access_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "auth/testing/loopback_server.h"
#include "auth/testing/memory_files.h"
#include "env/posix/system.h"
#include "env/sim/clock.h"

namespace martlet::auth {
namespace {

using nlohmann::json;
using testing::HttpServer;
using Kind = AccessOpinion::Kind;

// Waits for the answer that a worker gives.
class LateAnswers final : public broker::Answers {
 public:
  void answer(const broker::QuestionId&, broker::AuthDecision) override {}
  void answer(const broker::QuestionId& question, broker::AccessDecision decision) override {
    const std::scoped_lock lock(mutex_);
    given_.emplace_back(question, decision);
    came_.notify_one();
  }
  std::pair<broker::QuestionId, broker::AccessDecision> next() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !given_.empty(); });
    auto first = given_.front();
    given_.erase(given_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::pair<broker::QuestionId, broker::AccessDecision>> given_;
};

class AccessHttpTest : public ::testing::Test {
 protected:
  void make(const std::string& url) {
    options_.name = "rights";
    options_.url = url;
    auto clock = std::make_unique<env::sim::SimulatedClock>();
    clock_ = clock.get();
    auto source = make_http_access(options_, files_, workers_, std::move(clock), *env::posix::make_entropy());
    ASSERT_TRUE(source) << source.error().message;
    source_ = std::move(*source);
  }
  broker::Actor actor(std::string_view client = "client-1") {
    broker::Actor actor;
    actor.client_id = client;
    actor.username = "ann";
    actor.peer_address = "192.0.2.1:50123";
    actor.answers = &answers_;
    actor.question.number = 7;
    return actor;
  }
  AccessOpinion publish(std::string_view topic) {
    return source_->check(actor(), {Action::publish, topic, wire::QoS::at_least_once, true});
  }
  // Asks, and waits for the service's word.
  broker::AccessDecision decide(std::string_view topic) {
    EXPECT_EQ(publish(topic).kind, Kind::pending);
    return answers_.next().second;
  }

  AccessOptions options_;
  testing::MemoryFiles files_;
  LateAnswers answers_;
  Workers workers_{1, 4};
  env::sim::SimulatedClock* clock_ = nullptr;
  std::shared_ptr<AccessSource> source_;
};

TEST_F(AccessHttpTest, AsksOnceAndRemembers) {
  HttpServer server([](const HttpServer::Request&) { return HttpServer::response(200, R"({"result": "allow"})"); });
  make(server.url());
  ASSERT_EQ(publish("a/b").kind, Kind::pending);
  const auto [question, decision] = answers_.next();
  EXPECT_EQ(question.number, 7u);
  EXPECT_TRUE(decision.allowed);
  EXPECT_STREQ(decision.rule, "rights: allow");
  const AccessOpinion known = publish("a/b");
  EXPECT_EQ(known.kind, Kind::allow);
  EXPECT_STREQ(known.rule, "rights: allow");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(json::parse(requests[0].body), json::parse(R"({"action": "publish", "topic": "a/b", "qos": 1,
      "retain": true, "client_id": "client-1", "username": "ann", "address": "192.0.2.1", "listener_index": 0,
      "tls": false})"));
  clock_->advance(60'000);
  EXPECT_EQ(publish("a/b").kind, Kind::pending);
  answers_.next();
}

TEST_F(AccessHttpTest, AnAnswerIsForItsQuestionAlone) {
  HttpServer server([](const HttpServer::Request&) { return HttpServer::response(204, ""); });
  make(server.url());
  EXPECT_TRUE(decide("a").allowed);
  const AccessQuestion question{Action::publish, "a", wire::QoS::at_least_once, true};
  ASSERT_EQ(source_->check(actor(), question).kind, Kind::allow);
  EXPECT_EQ(source_->check(actor(), {Action::subscribe, "a", question.qos, true}).kind, Kind::pending);
  EXPECT_EQ(source_->check(actor(), {Action::publish, "a", wire::QoS::exactly_once, true}).kind, Kind::pending);
  EXPECT_EQ(source_->check(actor("client-2"), question).kind, Kind::pending);
  for (int i = 0; i < 3; ++i) answers_.next();
  broker::Actor other = actor();
  other.peer_address = "192.0.2.2:50123";
  EXPECT_EQ(source_->check(other, question).kind, Kind::pending);
  answers_.next();
}

TEST_F(AccessHttpTest, DenialsAndWhatIsNoAnswerDeny) {
  HttpServer server([](const HttpServer::Request& request) {
    const std::string topic = json::parse(request.body)["topic"];
    return topic == "status" ? HttpServer::response(403, "") : HttpServer::response(200, topic);
  });
  make(server.url());
  const auto rule = [this](const char* topic) {
    const auto decision = decide(topic);
    EXPECT_FALSE(decision.allowed) << topic;
    return std::string(decision.rule);
  };
  EXPECT_EQ(rule(R"({"result": "deny"})"), "rights: deny");
  EXPECT_EQ(rule("status"), "rights: deny");
  EXPECT_EQ(rule(R"({"result": "ignore"})"), "rights: ignore");
  EXPECT_EQ(rule(R"({"result": "perhaps"})"), "rights: service failed");
  EXPECT_EQ(rule("[]"), "rights: service failed");
}

TEST_F(AccessHttpTest, FailsClosedAndLeavesTheServiceAlone) {
  std::string url;
  {
    const HttpServer gone([](const HttpServer::Request&) { return std::string(); });
    url = gone.url();
  }
  make(url);
  const auto decision = decide("a");
  EXPECT_FALSE(decision.allowed);
  EXPECT_STREQ(decision.rule, "rights: service failed");
  EXPECT_EQ(publish("a").kind, Kind::deny);
  clock_->advance(1'000);
  EXPECT_EQ(publish("a").kind, Kind::pending);
  answers_.next();
}

TEST_F(AccessHttpTest, HasNoOpinionAboutReceivingAndDeniesWhereNobodyWaits) {
  make("http://127.0.0.1:9/");
  EXPECT_FALSE(source_->checks_receive());
  EXPECT_EQ(source_->check(actor(), {Action::receive, "a", {}, false}).kind, Kind::unknown);
  broker::Actor silent = actor();
  silent.answers = nullptr;
  const AccessOpinion opinion = source_->check(silent, {Action::publish, "a", {}, false});
  EXPECT_EQ(opinion.kind, Kind::deny);
  EXPECT_STREQ(opinion.rule, "rights: nobody waits for an answer");
}

TEST_F(AccessHttpTest, MoreQuestionsThanMayWaitAreDenied) {
  HttpServer server([](const HttpServer::Request&) { return HttpServer::response(204, ""); });
  make(server.url());
  workers_.stop(1'000);
  const AccessOpinion opinion = publish("a");
  EXPECT_EQ(opinion.kind, Kind::deny);
  EXPECT_STREQ(opinion.rule, "rights: too many questions wait");
}

}  // namespace
}  // namespace martlet::auth
