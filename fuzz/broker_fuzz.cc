// A whole broker on fake ports, driven by a script: the input decides which connection gets which bytes or packets, how
// time passes, when connections are lost, outboxes drained and records durable. Nothing may abort, outboxes stay
// bounded, what is written is legal for its receiver, and the figures agree.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "broker/broker.h"
#include "broker/testing/fake_ports.h"
#include "session/test_support.h"
#include "wire/decode.h"
#include "wire/encode.h"
#include "wire/framer.h"

namespace {

using namespace martlet;
using namespace martlet::broker;
using wire::PacketType;
using wire::PropertyId;
using wire::ProtocolVersion;
using wire::ReasonCode;

using session::test::Bytes;
using session::test::encoded;

constexpr std::size_t kClients = 4;
constexpr std::uint32_t kMaxPacket = 2048;
constexpr std::uint32_t kOutboxHigh = 4096;
constexpr std::size_t kMostRaw = 256;
constexpr std::array kIds = {"a", "b", "c", ""};
constexpr std::array kTopics = {"a", "a/b", "b", "c/d/e", "denied", "$SYS/x", "late", "m/a"};
constexpr std::array kFilters = {"a",          "a/b",    "+",    "#",      "a/+",       "$share/g/a",
                                 "$share/g/#", "$SYS/#", "+/b",  "denied", "bad/#/one", "$share/h/a/b",
                                 "$share/g",   "c/d/e",  "late", "m/#"};
constexpr std::array kUsers = {"", "", "user", "bad", "late"};

// A two-step method "M", one topic that nobody may use, and some questions whose answers come later.
class Rules final : public Authenticator, public Authorizer {
 public:
  struct Exchange final : AuthExchange {
    explicit Exchange(std::vector<QuestionId>& open) : questions(open) {}
    std::vector<QuestionId>& questions;
    int steps = 0;
    AuthDecision step(ByteView, const QuestionId& question) override {
      AuthDecision decision = AuthDecision::allow();
      if (++steps == 1) decision.kind = AuthDecision::Kind::challenge;
      if (steps != 3) return decision;
      questions.push_back(question);
      return AuthDecision::pending();
    }
  };
  AuthDecision authenticate(const ConnectFacts& facts) override {
    if (facts.username == "late") {
      questions.push_back(facts.question);
      return AuthDecision::pending();
    }
    return facts.username == "bad" ? AuthDecision::refuse(ReasonCode::bad_user_name_or_password, "bad")
                                   : AuthDecision::allow();
  }
  std::unique_ptr<AuthExchange> begin(std::string_view method, const ConnectFacts&) override {
    return method == "M" ? std::make_unique<Exchange>(questions) : nullptr;
  }
  AccessDecision may_publish(const Actor& actor, std::string_view topic, wire::QoS, bool) override {
    return decide(actor, topic);
  }
  AccessDecision may_subscribe(const Actor& actor, std::string_view filter, wire::QoS) override {
    return decide(actor, filter);
  }
  bool checks_receive() const override { return asks_receivers; }
  AccessDecision may_receive(const Actor& actor, std::string_view topic) override {
    return topic == "b" && actor.username != "user" ? AccessDecision::deny("rule") : AccessDecision::allow();
  }

  bool asks_receivers = false;
  std::vector<QuestionId> questions;  // that wait for an answer

 private:
  AccessDecision decide(const Actor& actor, std::string_view topic) {
    if (topic != "late" && topic != "m/late") {
      return topic != "denied" ? AccessDecision::allow() : AccessDecision::deny("rule");
    }
    if (actor.answers) questions.push_back(actor.question);
    return AccessDecision::wait();
  }
};

class NoAnswers final : public Answers {
 public:
  void answer(const QuestionId&, AuthDecision) override {}
  void answer(const QuestionId&, AccessDecision) override {}
};

// What one client saw: reads everything that the broker writes to it at once.
class Reader {
 public:
  // The version is what the first packet that the client sent says.
  void sent(ByteView bytes) {
    if (version_) return;
    wire::Frame frame;
    if (in_.next(bytes, frame) != wire::FrameStatus::frame) return;
    const auto packet = wire::decode(frame.first_byte, frame.body, ProtocolVersion::v5_0, wire::Sender::client);
    const auto* connect = packet ? std::get_if<wire::Connect>(&*packet) : nullptr;
    version_ = connect ? connect->version : ProtocolVersion::v5_0;
    known_ = connect != nullptr;
  }
  // `outbox` holds at its end what is new since the last call.
  void look(const ByteChain& outbox, std::size_t unread) {
    if (unread == 0) return;
    static std::array<ByteView, 4096> views;
    const std::size_t count = outbox.front(views.data(), views.size());
    std::size_t skip = outbox.size() - unread;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t skipped = std::min(skip, views[i].size());
      skip -= skipped;
      read(views[i].subspan(skipped));
    }
  }
  void read(ByteView bytes) {
    wire::Frame frame;
    while (out_.next(bytes, frame) == wire::FrameStatus::frame) {
      // A CONNECT that could not be read is answered in a version that only the broker knows.
      if (!known_) return;
      const auto packet = wire::decode(frame.first_byte, frame.body, *version_, wire::Sender::server);
      check(packet.has_value(), "what the broker writes is legal");
      take(*packet);
    }
  }
  // Answers to what came, as a client gives them.
  Bytes take_answers() { return std::exchange(answers_, {}); }
  bool known() const { return known_; }
  ProtocolVersion version() const { return version_.value_or(ProtocolVersion::v5_0); }

 private:
  void take(const wire::Packet& packet) {
    check(!over_, "nothing follows the end");
    if (const auto* connack = std::get_if<wire::Connack>(&packet)) {
      check(!connected_, "one CONNACK");
      connected_ = connack->reason == ReasonCode::success;
      over_ = !connected_;
      return;
    }
    check(connected_ || std::holds_alternative<wire::Auth>(packet), "CONNACK comes first");
    over_ = std::holds_alternative<wire::Disconnect>(packet);
    check(!over_ || version_ == ProtocolVersion::v5_0, "a 3.x server has no DISCONNECT");
    if (const auto* publish = std::get_if<wire::Publish>(&packet); publish && publish->packet_id != 0) {
      answer(publish->qos == wire::QoS::at_least_once ? PacketType::puback : PacketType::pubrec, publish->packet_id);
    } else if (const auto* ack = std::get_if<wire::PublishAck>(&packet)) {
      if (ack->type == PacketType::pubrel) answer(PacketType::pubcomp, ack->packet_id);
      if (ack->type == PacketType::pubrec && !wire::is_failure(ack->reason)) answer(PacketType::pubrel, ack->packet_id);
    }
  }
  void answer(PacketType type, std::uint16_t packet_id) {
    ByteChain chain;
    wire::encode(wire::PublishAck{type, packet_id, {}, {}}, *version_, chain);
    ByteView view;
    chain.front(&view, 1);
    answers_.insert(answers_.end(), view.begin(), view.end());
  }

  wire::Framer in_{kMaxPacket};
  wire::Framer out_{wire::kMaxPacketBytes};
  std::optional<ProtocolVersion> version_;
  bool known_ = false;
  bool connected_ = false;
  bool over_ = false;
  Bytes answers_;
};

BrokerOptions options_of(FuzzedDataProvider& script) {
  BrokerOptions options;
  options.endpoint.max_packet_bytes = kMaxPacket;
  options.endpoint.outbox_high_bytes = kOutboxHigh;
  options.endpoint.receive_maximum = 4;
  options.endpoint.max_in_flight = 3;
  options.endpoint.topic_alias_maximum = 2;
  options.endpoint.queue.max_messages = 5;
  options.endpoint.queue.policy =
      script.ConsumeBool() ? session::DropPolicy::drop_oldest : session::DropPolicy::drop_newest;
  options.overlap = script.ConsumeBool() ? OverlapDelivery::merged : OverlapDelivery::separate;
  options.shared_strategy = static_cast<SharedStrategy>(script.ConsumeIntegralInRange<int>(0, 5));
  options.queue_qos0_offline = script.ConsumeBool();
  options.max_retained_messages = 3;
  options.max_subscriptions_per_client = 6;
  options.max_connections = 3;
  options.max_keep_alive_s = script.ConsumeBool() ? std::uint16_t{0} : std::uint16_t{60};
  options.sys_interval_s = script.ConsumeBool() ? 0 : 10;
  options.upgrade_outgoing_qos = script.ConsumeBool();
  options.user_publish_rate_per_s = script.ConsumeBool() ? 0 : 2;
  options.listeners.resize(2);
  for (ListenerPolicy& policy : options.listeners) policy.endpoint = options.endpoint;
  options.listeners[1].mount_point = "m/";
  options.listeners[1].publish_rate_per_s = 2;
  return options;
}

class Run {
 public:
  Run(const std::uint8_t* data, std::size_t size) : script_(data, size), options_(options_of(script_)) {
    records_.keeps_names = false;
    records_.at_once = script_.ConsumeBool();
    records_.keeps_log = script_.ConsumeBool();
    rules_.asks_receivers = script_.ConsumeBool();
    Ports ports{transport_, records_, rules_, rules_, log_};
    ports.answers = &answers_;
    broker_.emplace(options_, ports, now_);
  }

  void play() {
    while (script_.remaining_bytes() > 0) {
      step();
      look();
    }
    broker_->shut_down(now_);
    look();
    for (const Client& client : clients_) check(!is_open(client), "all connections end with the broker");
    check(broker_->counters().clients_connected == 0, "nobody is connected after the end");
  }

 private:
  struct Client {
    ConnectionId id;
    std::size_t unread_from = 0;  // bytes of the outbox that were read already
    std::optional<Reader> reader;
  };

  bool is_open(const Client& client) { return client.reader && transport_.is_open(client.id); }

  void step() {
    Client& client = clients_[script_.ConsumeIntegralInRange<std::size_t>(0, kClients - 1)];
    switch (script_.ConsumeIntegralInRange<int>(0, 12)) {
      case 0:
        return send(client, raw());
      case 1:
        return wait();
      case 2:
        return lose(client);
      case 3:
        return drain(client, script_.ConsumeIntegralInRange<std::size_t>(0, 2000));
      case 4:
        return answer(client);
      case 5:
        return broker_->durable(script_.ConsumeBool() ? records_.position : std::max(records_.position, kOne) - 1,
                                now_);
      case 6:
        return send(client, connect());
      case 7:
        return send(client, request(client));
      case 8:
        return decide();
      case 9: {  // one read brings several
        Bytes several = message(client);
        const Bytes more = script_.ConsumeBool() ? message(client) : request(client);
        several.insert(several.end(), more.begin(), more.end());
        return send(client, several);
      }
      default:
        return send(client, message(client));
    }
  }

  Bytes raw() {
    const std::string bytes = script_.ConsumeRandomLengthString(kMostRaw);
    return {bytes.begin(), bytes.end()};
  }
  void wait() {
    const std::int64_t ms = script_.ConsumeBool() ? 100'000 : 900;
    now_.mono_ms += ms;
    now_.wall_ms += ms;
    // Who was held goes on in a turn of its own.
    for (int turns = 0; turns < 100 && (turns == 0 || broker_->next_deadline() <= now_.mono_ms); ++turns) {
      broker_->run_timers(now_);
    }
    check(broker_->next_deadline() > now_.mono_ms, "what was due is done");
  }
  void lose(Client& client) {
    if (!is_open(client)) return;
    broker_->connection_lost(client.id, LostBy::network_error, now_);
    check(!is_open(client), "what is lost is given up");
  }
  // An answer to one of the questions; it may come twice, and to nobody.
  void decide() {
    if (rules_.questions.empty()) return;
    const auto at = script_.ConsumeIntegralInRange<std::size_t>(0, rules_.questions.size() - 1);
    const QuestionId question = rules_.questions[at];
    if (script_.ConsumeBool()) rules_.questions.erase(rules_.questions.begin() + static_cast<std::ptrdiff_t>(at));
    const bool allowed = script_.ConsumeBool();
    if (script_.ConsumeBool()) {
      AuthDecision decision = allowed ? AuthDecision::allow() : AuthDecision::refuse(ReasonCode::not_authorized);
      if (allowed && script_.ConsumeBool()) decision.until_wall_ms = now_.wall_ms + 1'500;
      broker_->answered(question, std::move(decision), now_);
    } else {
      broker_->answered(question, allowed ? AccessDecision::allow() : AccessDecision::deny("rule"), now_);
    }
  }
  void drain(Client& client, std::size_t count) {
    if (!is_open(client)) return;
    ByteChain& outbox = transport_.at(client.id).outbox;
    const std::size_t taken = std::min(count, outbox.size());
    outbox.consume(taken);
    client.unread_from -= taken;
    if (transport_.at(client.id).paused && outbox.size() < kOutboxHigh / 4) broker_->outbox_drained(client.id, now_);
  }
  void answer(Client& client) {
    if (!is_open(client)) return;
    drain(client, 1u << 20);
    look();
    if (is_open(client)) send(client, client.reader->take_answers());
  }
  void send(Client& client, const Bytes& bytes) {
    if (!is_open(client)) {
      client.id = transport_.open();
      client.reader.emplace();
      client.unread_from = 0;
      ++opened_;
      broker_->connection_opened(client.id, {script_.ConsumeBool() ? 1u : 0u, "address", nullptr}, now_);
    }
    if (transport_.at(client.id).paused) return;
    client.reader->sent(bytes);
    received_ += bytes.size();
    broker_->bytes_received(client.id, bytes, now_);
  }

  Bytes connect() {
    wire::Connect packet;
    packet.version = static_cast<ProtocolVersion>(script_.ConsumeIntegralInRange<int>(3, 5));
    packet.client_id = script_.PickValueInArray(kIds);
    packet.clean_start = script_.ConsumeBool();
    packet.keep_alive_s = script_.ConsumeIntegralInRange<std::uint16_t>(0, 50);
    const std::string_view user = script_.PickValueInArray(kUsers);
    if (!user.empty()) packet.username = user;
    wire::PropertyWriter properties;
    wire::PropertyWriter will_properties;
    const auto maybe = [&](wire::PropertyWriter& writer, PropertyId id, std::uint32_t low, std::uint32_t high) {
      if (script_.ConsumeBool()) writer.add_number(id, script_.ConsumeIntegralInRange(low, high));
    };
    maybe(properties, PropertyId::session_expiry_interval, 0, 200);
    maybe(properties, PropertyId::receive_maximum, 1, 3);
    maybe(properties, PropertyId::topic_alias_maximum, 0, 3);
    if (script_.ConsumeIntegralInRange<int>(0, 5) == 0) {
      properties.add_number(PropertyId::maximum_packet_size, script_.ConsumeIntegralInRange(1u, 100u));
    }
    if (script_.ConsumeIntegralInRange<int>(0, 5) == 0) {
      properties.add_text(PropertyId::authentication_method, script_.ConsumeBool() ? "M" : "N");
    }
    packet.properties = properties.properties();
    if (script_.ConsumeBool()) {
      maybe(will_properties, PropertyId::will_delay_interval, 0, 100);
      packet.will = wire::Will{script_.PickValueInArray(kTopics), as_bytes("will"), qos(), script_.ConsumeBool(),
                               will_properties.properties()};
    }
    return encoded(packet, packet.version);
  }

  wire::QoS qos() { return static_cast<wire::QoS>(script_.ConsumeIntegralInRange<int>(0, 2)); }

  Bytes request(Client& client) {
    const ProtocolVersion version = client.reader ? client.reader->version() : ProtocolVersion::v5_0;
    const bool subscribes = script_.ConsumeBool();
    wire::FilterListWriter filters(subscribes);
    for (int count = script_.ConsumeIntegralInRange(1, 3); count > 0; --count) {
      const bool v5 = version == ProtocolVersion::v5_0;
      filters.add({script_.PickValueInArray(kFilters),
                   {qos(), v5 && script_.ConsumeIntegralInRange<int>(0, 7) == 0, v5 && script_.ConsumeBool(),
                    v5 ? script_.ConsumeIntegralInRange<std::uint8_t>(0, 2) : std::uint8_t{0}}});
    }
    wire::PropertyWriter properties;
    if (subscribes && script_.ConsumeBool()) properties.add_number(PropertyId::subscription_identifier, 7);
    const auto packet_id = script_.ConsumeIntegralInRange<std::uint16_t>(1, 9);
    if (subscribes) return encoded(wire::Subscribe{packet_id, properties.properties(), filters.list()}, version);
    return encoded(wire::Unsubscribe{packet_id, {}, filters.list()}, version);
  }

  // A message, one of its acknowledgements, or a small packet.
  Bytes message(Client& client) {
    const ProtocolVersion version = client.reader ? client.reader->version() : ProtocolVersion::v5_0;
    const auto packet_id = script_.ConsumeIntegralInRange<std::uint16_t>(1, 9);
    const int kind = script_.ConsumeIntegralInRange(0, 9);
    if (kind >= 6 && kind <= 8) return small(kind, packet_id, version);
    wire::Publish packet;
    packet.topic = script_.PickValueInArray(kTopics);
    packet.qos = qos();
    packet.retain = script_.ConsumeBool();
    if (packet.qos != wire::QoS::at_most_once) {
      packet.packet_id = packet_id;
      packet.dup = script_.ConsumeBool();
    }
    const Bytes payload(script_.PickValueInArray<std::size_t>({0, 1, 1, 30, 30, 300, 1900}), 'x');
    packet.payload = payload;
    wire::PropertyWriter properties;
    if (script_.ConsumeIntegralInRange<int>(0, 3) == 0) {
      properties.add_number(PropertyId::message_expiry_interval, script_.ConsumeIntegralInRange(0u, 100u));
    }
    if (script_.ConsumeIntegralInRange<int>(0, 3) == 0) {
      properties.add_number(PropertyId::topic_alias, script_.ConsumeIntegralInRange(1u, 3u));
      if (version == ProtocolVersion::v5_0 && script_.ConsumeBool()) packet.topic = {};
    }
    packet.properties = properties.properties();
    return encoded(packet, version);
  }

  Bytes small(int kind, std::uint16_t packet_id, ProtocolVersion version) {
    if (kind == 6) {
      const auto type = static_cast<PacketType>(script_.ConsumeIntegralInRange<int>(4, 7));
      const bool refuses = script_.ConsumeBool() && (type == PacketType::puback || type == PacketType::pubrec);
      return encoded(wire::PublishAck{type, packet_id, refuses ? ReasonCode::quota_exceeded : ReasonCode::success, {}},
                     version);
    }
    if (kind == 7) return encoded(wire::Pingreq{}, version);
    wire::PropertyWriter properties;
    if (version == ProtocolVersion::v5_0 && script_.ConsumeBool()) {
      properties.add_text(PropertyId::authentication_method, "M");
      return encoded(
          wire::Auth{script_.ConsumeBool() ? ReasonCode::reauthenticate : ReasonCode::continue_authentication,
                     properties.properties()},
          version);
    }
    if (script_.ConsumeBool()) properties.add_number(PropertyId::session_expiry_interval, 3);
    return encoded(wire::Disconnect{script_.ConsumeBool() ? ReasonCode::success : ReasonCode::disconnect_with_will,
                                    properties.properties()},
                   version);
  }

  // Reads what is new everywhere and checks what must hold.
  void look() {
    std::size_t open = 0;
    for (Client& client : clients_) {
      if (!client.reader) continue;
      if (transport_.at(client.id).generation != client.id.generation) continue;
      const ByteChain& outbox = transport_.at(client.id).outbox;
      client.reader->look(outbox, outbox.size() - client.unread_from);
      client.unread_from = outbox.size();
      if (!is_open(client)) continue;
      ++open;
      // Above the mark by one message of each kind, and by the answers to one read or to what became durable.
      check(outbox.size() <= kOutboxHigh + 3 * kMaxPacket + 4 * kMostRaw + kOutboxHigh, "the outbox is bounded");
    }
    const Counters& counters = broker_->counters();
    check(counters.connections_accepted == opened_, "connections are counted");
    check(counters.bytes_received <= received_, "bytes are counted");
    check(counters.clients_connected <= open, "who is connected has a connection");
    check(counters.clients_connected <= broker_->sessions(), "who is connected has a session");
    check(counters.clients_maximum <= options_.max_connections + 1, "the limit on connections holds");
    check(broker_->retained().messages() <= options_.max_retained_messages, "the limit on retained messages holds");
    check(broker_->verdicts().count(VerdictReason::delivered) == counters.publish_sent, "deliveries are recorded");
  }

  static constexpr std::uint64_t kOne = 1;
  FuzzedDataProvider script_;
  BrokerOptions options_;
  broker::testing::FakeTransport transport_;
  broker::testing::FakeRecords records_;
  broker::testing::SilentLog log_;
  Rules rules_;
  NoAnswers answers_;
  Now now_{1000, 1'700'000'000'000};
  std::optional<Broker> broker_;
  std::array<Client, kClients> clients_;
  std::uint64_t opened_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Run(data, size).play();
  return 0;
}
