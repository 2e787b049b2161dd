// A broker whose access decisions, log and listeners are the test's.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/testing/fake_ports.h"
#include "session/test_support.h"

namespace martlet::broker::testing {

// Decides as the test says; what it says nothing about is allowed.
class ScriptedAccess final : public Authenticator, public Authorizer {
 public:
  AuthDecision authenticate(const ConnectFacts& facts) override {
    question = facts.question;
    return on_authenticate ? on_authenticate(facts) : AuthDecision::allow();
  }
  std::unique_ptr<AuthExchange> begin(std::string_view, const ConnectFacts& facts) override {
    return on_begin ? on_begin(facts) : nullptr;
  }
  AccessDecision may_publish(const Actor& actor, std::string_view topic, wire::QoS, bool) override {
    return ask("publish ", on_publish, actor, topic);
  }
  AccessDecision may_subscribe(const Actor& actor, std::string_view filter, wire::QoS) override {
    return ask("subscribe ", on_subscribe, actor, filter);
  }
  bool checks_receive() const override { return static_cast<bool>(on_receive); }
  AccessDecision may_receive(const Actor& actor, std::string_view topic) override {
    return ask("receive ", on_receive, actor, topic);
  }

  using Decide = std::function<AccessDecision(const Actor&, std::string_view)>;
  std::function<AuthDecision(const ConnectFacts&)> on_authenticate;
  std::function<std::unique_ptr<AuthExchange>(const ConnectFacts&)> on_begin;
  Decide on_publish;
  Decide on_subscribe;
  Decide on_receive;
  QuestionId question;             // the last one
  std::vector<std::string> asked;  // "publish topic", in order

 private:
  AccessDecision ask(const char* what, const Decide& decide, const Actor& actor, std::string_view topic) {
    question = actor.question;
    asked.push_back(what + std::string(topic));
    return decide ? decide(actor, topic) : AccessDecision::allow();
  }
};

// The tests answer through Broker::answered() themselves.
class IgnoredAnswers final : public Answers {
 public:
  void answer(const QuestionId&, AuthDecision) override {}
  void answer(const QuestionId&, AccessDecision) override {}
};

class KeptLog final : public Log {
 public:
  bool wants(LogLevel) const override { return true; }
  std::size_t count(std::string_view part) const {
    std::size_t found = 0;
    for (const std::string& line : lines) found += line.find(part) != std::string::npos ? 1 : 0;
    return found;
  }
  // The last entry with `part`: "LEVEL client|address|user|listener" and " NAME=VALUE" for each further fact.
  std::string facts(std::string_view part) const {
    for (std::size_t i = lines.size(); i-- > 0;) {
      if (lines[i].find(part) != std::string::npos) return facts_[i];
    }
    return {};
  }
  std::vector<std::string> lines;

 private:
  void put(LogLevel level, std::string_view text, const LogSubject& subject) override {
    lines.emplace_back(text);
    std::string facts = fmt::format("{} {}|{}|{}|{}", static_cast<unsigned>(level), subject.client, subject.address,
                                    subject.user, subject.listener);
    for (const LogField& field : subject.more) {
      if (!field.value.empty()) fmt::format_to(std::back_inserter(facts), " {}={}", field.name, field.value);
    }
    facts_.push_back(std::move(facts));
  }
  std::vector<std::string> facts_;
};

class BrokerFixture : public ::testing::Test {
 protected:
  using Texts = session::test::Texts;
  using ProtocolVersion = wire::ProtocolVersion;

  BrokerFixture() {
    options_.sys_interval_s = 0;
    options_.durability.announce = false;
    options_.endpoint.alias_out_maximum = 0;
    options_.endpoint.topic_alias_maximum = 0;
    options_.endpoint.receive_maximum = 65'535;
    options_.endpoint.max_packet_bytes = wire::kMaxPacketBytes;
  }

  Broker& broker() {
    if (!broker_) {
      Ports ports{transport_, records_, access_, access_, log_};
      ports.answers = answers_;
      ports.doorkeeper = doorkeeper_;
      broker_.emplace(options_, ports, now_);
    }
    return *broker_;
  }
  // A listener beside those that there are, with the options' limits.
  ListenerPolicy& add_listener() {
    ListenerPolicy& policy = options_.listeners.emplace_back();
    policy.endpoint = options_.endpoint;
    policy.name = "listener " + std::to_string(options_.listeners.size());
    return policy;
  }
  ConnectionId open(std::uint32_t listener = 0, std::shared_ptr<const PeerFacts> peer = nullptr) {
    const ConnectionId id = transport_.open();
    broker().connection_opened(id, {listener, "192.0.2.1:5", std::move(peer)}, now_);
    return id;
  }
  void send(ConnectionId id, const wire::Packet& packet, ProtocolVersion version = ProtocolVersion::v5_0) {
    const session::test::Bytes bytes = session::test::encoded(packet, version);
    broker().bytes_received(id, bytes, now_);
  }
  Texts written(ConnectionId id, ProtocolVersion version = ProtocolVersion::v5_0) {
    return session::test::take_packets(transport_.at(id).outbox, version, wire::Sender::server);
  }
  static wire::Connect hello(std::string_view client_id) {
    wire::Connect packet;
    packet.client_id = client_id;
    packet.clean_start = false;
    return packet;
  }
  static wire::Connect hello(std::string_view client_id, std::string_view username) {
    wire::Connect packet = hello(client_id);
    packet.username = username;
    return packet;
  }
  // Its CONNACK is left in the outbox.
  ConnectionId connect(const wire::Connect& packet, std::uint32_t listener = 0) {
    const ConnectionId id = open(listener);
    send(id, packet, packet.version);
    return id;
  }
  // A 5.0 client that is connected, its CONNACK taken.
  ConnectionId connect(std::string_view client_id, std::uint32_t expiry_s = 0, std::uint32_t listener = 0,
                       std::string_view username = {}) {
    wire::PropertyWriter properties;
    if (expiry_s != 0) properties.add_number(wire::PropertyId::session_expiry_interval, expiry_s);
    wire::Connect packet = hello(client_id);
    packet.properties = properties.properties();
    if (!username.empty()) packet.username = username;
    const ConnectionId id = connect(packet, listener);
    written(id);
    return id;
  }
  void lose(ConnectionId id) {
    broker().connection_lost(id, LostBy::network_error, now_);
    EXPECT_FALSE(transport_.is_open(id));
  }
  void subscribe(ConnectionId id, std::initializer_list<std::string_view> topic_filters, unsigned qos = 0) {
    wire::FilterListWriter filters(true);
    wire::SubscriptionOptions options;
    options.qos = static_cast<wire::QoS>(qos);
    for (const std::string_view filter : topic_filters) filters.add({filter, options});
    send(id, wire::Subscribe{900, {}, filters.list()});
  }
  void unsubscribe(ConnectionId id, std::string_view filter) {
    wire::FilterListWriter filters(false);
    filters.add({filter, {}});
    send(id, wire::Unsubscribe{901, {}, filters.list()});
  }
  // The packet identifier is 1 each time; none at QoS 0.
  void publish(ConnectionId id, std::string_view topic, unsigned qos = 0, std::string_view payload = "x",
               bool retain = false) {
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<wire::QoS>(qos);
    packet.retain = retain;
    packet.packet_id = qos == 0 ? std::uint16_t{0} : std::uint16_t{1};
    send(id, packet);
  }
  void pass_ms(std::int64_t ms) {
    now_.mono_ms += ms;
    now_.wall_ms += ms;
    broker().run_timers(now_);
  }
  std::uint64_t verdicts(VerdictReason reason) { return broker().verdicts().count(reason); }

  BrokerOptions options_;
  FakeTransport transport_;
  FakeRecords records_;
  ScriptedAccess access_;
  KeptLog log_;
  IgnoredAnswers ignored_;
  Answers* answers_ = &ignored_;
  Doorkeeper* doorkeeper_ = nullptr;
  Now now_{1000, 1'700'000'000'000};
  std::optional<Broker> broker_;
};

}  // namespace martlet::broker::testing
