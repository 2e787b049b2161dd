// What every authentication keeps to, whatever its [[authentication]] table asks.
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "auth/base64.h"
#include "auth/make_chain.h"
#include "auth/testing/counting_entropy.h"
#include "auth/testing/fakes.h"
#include "auth/testing/jwt_signer.h"
#include "auth/testing/provider_contract.h"
#include "auth/testing/small_services.h"

namespace martlet::auth {
namespace {

using broker::AuthDecision;
using Kind = AuthDecision::Kind;

// "secret-carol" and "secret-alice".
constexpr const char* kCheapHash =
    "$6$Hd0M8TsUhDPCb7m0$2/Vx6nOthYfbf612052OzR6vcjb1a05g3g+anMK0WYplfVCO3Qp7Z0SqLJ73qQR/eC/SeJswdbRsF4jvr5wz4Q==";
constexpr const char* kDearHash =
    "$7$101$Z/C4cPA+8w8111Sw$Z/3jL4E//"
    "jp4OvZjjIixk9SDO0QlkgtHn+bnXW2RvBYdL1UIfT3P4nlUMVwYNVEVEP2RItz6tRt7zclKUIyQew==";
constexpr const char* kKey = "0123456789abcdef0123456789abcdef";

// Keeps what came, and from which thread.
class Heard final : public broker::Answers {
 public:
  struct Answer {
    std::uint32_t number = 0;
    AuthDecision decision;
    std::thread::id thread;
  };
  void answer(const broker::QuestionId& question, AuthDecision decision) override {
    const std::lock_guard lock(mutex_);
    answers_.push_back({question.number, std::move(decision), std::this_thread::get_id()});
    came_.notify_all();
  }
  void answer(const broker::QuestionId&, broker::AccessDecision) override {}

  Answer wait() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return !answers_.empty(); });
    return answers_.front();
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Answer> answers_;
};

// A configuration, the services that it names, and a client that it lets in.
struct World {
  AuthOptions options{.providers = {}, .access = {}, .listeners = {ListenerAuth{}}, .workers = 2, .max_waiting = 100};
  testing::FileMap files;
  std::unique_ptr<testing::HttpServer> http;
  std::unique_ptr<testing::RedisServer> redis;
  std::string username;
  std::string password;
  PeerFacts peer;
  bool has_certificate = false;

  ProviderOptions& add(ProviderKind kind) {
    options.providers.emplace_back();
    options.providers.back().kind = kind;
    return options.providers.back();
  }
};

void anybody(World& world) {
  world.options.listeners[0].allow_anonymous = true;
}
void cheap_file(World& world) {
  world.files.files["users"] = std::string("carol:") + kCheapHash + "\n";
  world.add(ProviderKind::file).path = "users";
  world.username = "carol";
  world.password = "secret-carol";
}
void dear_file(World& world) {
  world.files.files["users"] = std::string("alice:") + kDearHash + "\n";
  world.add(ProviderKind::file).path = "users";
  world.username = "alice";
  world.password = "secret-alice";
}
void jwt(World& world) {
  world.files.files["key"] = kKey;
  world.add(ProviderKind::jwt).secret_file = "key";
  world.username = "alice";
  world.password = testing::hs256_token(kKey, R"({"alg":"HS256"})", R"({"sub":"alice"})");
}
void jwt_by_url(World& world) {
  const std::string key = base64_encode(as_bytes(kKey), Base64::url);
  world.http = std::make_unique<testing::HttpServer>([key](const testing::HttpServer::Request&) {
    return testing::HttpServer::response(200, R"({"keys":[{"kty":"oct","k":")" + key + R"("}]})",
                                         "Connection: close\r\n");
  });
  world.add(ProviderKind::jwt).jwks = world.http->url();
  world.username = "alice";
  world.password = testing::hs256_token(kKey, R"({"alg":"HS256"})", R"({"sub":"alice"})");
}
void certificate(World& world) {
  world.add(ProviderKind::certificate);
  world.peer.certificate_name = world.username = "device-1";
  world.has_certificate = true;
}
void http(World& world) {
  world.http = std::make_unique<testing::HttpServer>(testing::answer_of_users);
  world.add(ProviderKind::http).url = world.http->url();
  world.username = "ann";
  world.password = "secret";
}
void redis(World& world) {
  world.redis = std::make_unique<testing::RedisServer>("alice", kDearHash);
  ProviderOptions& options = world.add(ProviderKind::redis);
  options.url = world.redis->url();
  options.connections = 1;
  world.username = "alice";
  world.password = "secret-alice";
}
void many(World& world) {
  certificate(world);
  redis(world);
  jwt(world);
  world.has_certificate = false;
  world.peer = {};
  http(world);
}

struct AuthenticatorKind {
  const char* name;
  void (*make)(World& world);
  bool open = false;  // lets everybody in
};

class AuthenticatorContract : public ::testing::TestWithParam<AuthenticatorKind> {
 protected:
  AuthenticatorContract() {
    GetParam().make(world_);
    auto made = make_chain(world_.options, world_.files, {clock_, entropy_, *workers_, log_});
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    if (made) chain_ = std::move(*made);
  }

  // What becomes of a client, and how often it was told.
  AuthDecision ask(const std::string& client_id, std::optional<std::string> username,
                   std::optional<std::string> password, bool with_peer = false) {
    Heard heard;
    AuthDecision decision = chain_->authenticate(facts(client_id, username, password, with_peer, &heard));
    later_ = decision.kind == Kind::pending;
    if (later_) decision = heard.wait().decision;
    return decision;
  }
  AuthDecision ask_right() { return ask("client", right_name(), right_password(), world_.has_certificate); }
  std::optional<std::string> right_name() const {
    return world_.username.empty() ? std::nullopt : std::optional(world_.username);
  }
  std::optional<std::string> right_password() const {
    return world_.password.empty() ? std::nullopt : std::optional(world_.password);
  }
  broker::ConnectFacts facts(std::string_view client_id, const std::optional<std::string>& username,
                             const std::optional<std::string>& password, bool with_peer, broker::Answers* answers) {
    broker::ConnectFacts facts;
    facts.client_id = client_id;
    if (username) facts.username = *username;
    if (password) facts.password = as_bytes(*password);
    facts.peer = with_peer ? &world_.peer : nullptr;
    facts.question.number = ++number_;
    facts.answers = answers;
    return facts;
  }

  World world_;
  testing::HandClock clock_;
  testing::CountingEntropy entropy_;
  testing::KeptLog log_;
  std::unique_ptr<Workers> workers_ = std::make_unique<Workers>(2, 100);
  std::shared_ptr<Chain> chain_;
  std::uint32_t number_ = 0;
  bool later_ = false;
};

TEST_P(AuthenticatorContract, LetsTheRightOneIn) {
  ASSERT_TRUE(chain_);
  const AuthDecision decision = ask_right();
  EXPECT_EQ(decision.kind, Kind::allow) << decision.reason_string;
}

TEST_P(AuthenticatorContract, AnswersOnceFromAWorkerOrAtOnce) {
  ASSERT_TRUE(chain_);
  Heard heard;
  const std::optional<std::string> name = right_name();
  const std::optional<std::string> password = right_password();
  const auto asked = facts("client", name, password, world_.has_certificate, &heard);
  const AuthDecision decision = chain_->authenticate(asked);
  const bool pending = decision.kind == Kind::pending;
  if (pending) {
    const Heard::Answer answer = heard.wait();
    EXPECT_EQ(answer.number, asked.question.number);
    EXPECT_EQ(answer.decision.kind, Kind::allow) << answer.decision.reason_string;
    EXPECT_NE(answer.thread, std::this_thread::get_id());
  }
  workers_->stop(Workers::kStopMs);
  EXPECT_EQ(heard.count(), pending ? 1u : 0u);
}

TEST_P(AuthenticatorContract, KeepsNothingThatDiesWithTheCall) {
  ASSERT_TRUE(chain_);
  Heard heard;
  AuthDecision decision;
  {
    std::string client_id(40, 'c');
    std::optional<std::string> name = right_name();
    std::optional<std::string> password = right_password();
    PeerFacts peer = world_.peer;
    auto asked = facts(client_id, name, password, world_.has_certificate, &heard);
    if (asked.peer != nullptr) asked.peer = &peer;
    decision = chain_->authenticate(asked);
    client_id.assign(client_id.size(), 'x');
    if (name) name->assign(name->size(), 'x');
    if (password) password->assign(password->size(), 'x');
    peer = {};
  }
  if (decision.kind == Kind::pending) decision = heard.wait().decision;
  EXPECT_EQ(decision.kind, Kind::allow) << decision.reason_string;
}

TEST_P(AuthenticatorContract, NothingIsPendingThatNobodyWaitsFor) {
  ASSERT_TRUE(chain_);
  const std::optional<std::string> name = right_name();
  const std::optional<std::string> password = right_password();
  const AuthDecision decision = chain_->authenticate(facts("client", name, password, world_.has_certificate, nullptr));
  EXPECT_NE(decision.kind, Kind::pending);
  if (decision.kind == Kind::refuse) {
    EXPECT_EQ(decision.reason, wire::ReasonCode::server_unavailable);
  }
}

TEST_P(AuthenticatorContract, AQuestionOutlivesTheConfigurationThatAskedIt) {
  ASSERT_TRUE(chain_);
  Heard heard;
  const std::optional<std::string> name = right_name();
  const std::optional<std::string> password = right_password();
  AuthDecision decision = chain_->authenticate(facts("client", name, password, world_.has_certificate, &heard));
  chain_.reset();
  if (decision.kind == Kind::pending) decision = heard.wait().decision;
  EXPECT_EQ(decision.kind, Kind::allow) << decision.reason_string;
}

TEST_P(AuthenticatorContract, NobodyIsAnsweredOnceTheWorkersAreStopped) {
  ASSERT_TRUE(chain_);
  auto heard = std::make_unique<Heard>();
  std::size_t pending = 0;
  const std::optional<std::string> name = right_name();
  const std::optional<std::string> password = right_password();
  for (int i = 0; i < 20; ++i) {
    const auto asked = facts("client", name, password, world_.has_certificate, heard.get());
    if (chain_->authenticate(asked).kind == Kind::pending) ++pending;
  }
  workers_->stop(0);
  EXPECT_LE(heard->count(), pending);
  heard.reset();
  // And who comes after that is not left waiting.
  Heard late;
  const AuthDecision decision = chain_->authenticate(facts("client", name, password, world_.has_certificate, &late));
  EXPECT_NE(decision.kind, Kind::pending);
  chain_.reset();
  workers_.reset();
}

TEST_P(AuthenticatorContract, StrangeTextsOpenNothingAndHarmNobody) {
  ASSERT_TRUE(chain_);
  const Kind expected = GetParam().open ? Kind::allow : Kind::refuse;
  for (const std::string& text : testing::contract::strange_texts()) {
    EXPECT_EQ(ask(text, text, text).kind, expected) << text;
    EXPECT_EQ(ask("client", text, world_.password + text).kind, expected) << text;
    EXPECT_EQ(ask(text, world_.username, text).kind, expected) << text;
  }
  EXPECT_EQ(ask_right().kind, Kind::allow);
}

TEST_P(AuthenticatorContract, NoPasswordOpensNothing) {
  ASSERT_TRUE(chain_);
  const Kind expected = GetParam().open ? Kind::allow : Kind::refuse;
  for (const auto& name : {std::optional<std::string>{}, std::optional<std::string>{""}, right_name()}) {
    for (const auto& password : {std::optional<std::string>{}, std::optional<std::string>{""}}) {
      EXPECT_EQ(ask("client", name, password).kind, expected) << name.value_or("none");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, AuthenticatorContract,
                         ::testing::Values(AuthenticatorKind{"anybody", anybody, true},
                                           AuthenticatorKind{"cheap_file", cheap_file},
                                           AuthenticatorKind{"dear_file", dear_file}, AuthenticatorKind{"jwt", jwt},
                                           AuthenticatorKind{"jwt_by_url", jwt_by_url},
                                           AuthenticatorKind{"certificate", certificate},
                                           AuthenticatorKind{"http", http}, AuthenticatorKind{"redis", redis},
                                           AuthenticatorKind{"many", many}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace martlet::auth
