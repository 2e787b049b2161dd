// What one step costs the broker and its endpoints, from bytes in to bytes out, without a network.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/testing/fake_ports.h"
#include "session/test_support.h"

namespace {

using namespace martlet;
using namespace martlet::broker;
using wire::PacketType;
using wire::ProtocolVersion;
using wire::QoS;

using session::test::Bytes;
using session::test::encoded;

constexpr std::string_view kTopic = "factory/line-7/press/temp";

Bytes publish_bytes(QoS qos, std::size_t payload_bytes, ProtocolVersion version) {
  const Bytes payload(payload_bytes, 'x');
  wire::Publish packet;
  packet.topic = kTopic;
  packet.payload = payload;
  packet.qos = qos;
  packet.packet_id = qos == QoS::at_most_once ? std::uint16_t{0} : std::uint16_t{1};
  return encoded(packet, version);
}

// A broker, one publisher and some subscribers, all on fake connections.
class Stage {
 public:
  explicit Stage(ProtocolVersion version) : version_(version) {
    options_.sys_interval_s = 0;
    records_.keeps_names = records_.keeps_log = false;
    broker_.emplace(options_, Ports{transport_, records_, all_, all_, log_}, now_);
    publisher_ = connect("publisher");
  }

  ConnectionId open() {
    const ConnectionId id = transport_.open();
    broker_->connection_opened(id, {0, "address", nullptr}, now_);
    return id;
  }
  ConnectionId connect(std::string_view client_id) {
    wire::Connect packet;
    packet.version = version_;
    packet.client_id = client_id;
    const ConnectionId id = open();
    feed(id, encoded(packet, version_));
    drain(id);
    return id;
  }
  void subscribe(std::size_t count, std::string_view filter, QoS qos) {
    wire::FilterListWriter filters(true);
    wire::SubscriptionOptions options;
    options.qos = qos;
    filters.add({filter, options});
    const Bytes bytes = encoded(wire::Subscribe{1, {}, filters.list()}, version_);
    for (std::size_t i = 0; i < count; ++i) {
      subscribers_.push_back(connect("subscriber" + std::to_string(i)));
      feed(subscribers_.back(), bytes);
      drain(subscribers_.back());
    }
  }
  void feed(ConnectionId id, ByteView bytes) { broker_->bytes_received(id, bytes, now_); }
  void drain(ConnectionId id) { transport_.at(id).outbox.clear(); }
  void lose(ConnectionId id) {
    transport_.lose(id);
    broker_->connection_lost(id, LostBy::peer_closed, now_);
  }
  ConnectionId publisher() const { return publisher_; }
  const std::vector<ConnectionId>& subscribers() const { return subscribers_; }

 private:
  ProtocolVersion version_;
  BrokerOptions options_;
  broker::testing::FakeTransport transport_;
  broker::testing::FakeRecords records_;
  broker::testing::SilentLog log_;
  AllowAll all_;
  Now now_{1000, 1'700'000'000'000};
  std::optional<Broker> broker_;
  ConnectionId publisher_;
  std::vector<ConnectionId> subscribers_;
};

void report(benchmark::State& state, std::size_t deliveries) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(deliveries));
}

// One QoS 0 message to range(0) subscribers in version range(1); items are deliveries.
void BM_RelayQos0(benchmark::State& state) {
  const auto version = static_cast<ProtocolVersion>(state.range(1));
  Stage stage(version);
  stage.subscribe(static_cast<std::size_t>(state.range(0)), kTopic, QoS::at_most_once);
  const Bytes bytes = publish_bytes(QoS::at_most_once, 64, version);
  for (auto _ : state) {
    stage.feed(stage.publisher(), bytes);
    for (const ConnectionId id : stage.subscribers()) stage.drain(id);
  }
  report(state, stage.subscribers().size());
}
BENCHMARK(BM_RelayQos0)->ArgNames({"subscribers", "version"})->ArgsProduct({{1, 10, 100}, {4, 5}});

// 100 QoS 0 messages in one read, as a busy connection brings them.
void BM_RelayQos0Batch(benchmark::State& state) {
  constexpr std::size_t kBatch = 100;
  Stage stage(ProtocolVersion::v5_0);
  stage.subscribe(1, "factory/+/#", QoS::at_most_once);
  const Bytes one = publish_bytes(QoS::at_most_once, 64, ProtocolVersion::v5_0);
  Bytes bytes;
  for (std::size_t i = 0; i < kBatch; ++i) bytes.insert(bytes.end(), one.begin(), one.end());
  for (auto _ : state) {
    stage.feed(stage.publisher(), bytes);
    stage.drain(stage.subscribers().front());
  }
  report(state, kBatch);
}
BENCHMARK(BM_RelayQos0Batch);

// One QoS 1 round: PUBLISH in, PUBLISH and PUBACK out, PUBACK in.
void BM_RelayQos1(benchmark::State& state) {
  Stage stage(ProtocolVersion::v5_0);
  stage.subscribe(1, kTopic, QoS::at_least_once);
  const Bytes bytes = publish_bytes(QoS::at_least_once, 64, ProtocolVersion::v5_0);
  std::uint16_t packet_id = 0;
  for (auto _ : state) {
    stage.feed(stage.publisher(), bytes);
    if (++packet_id == 0) ++packet_id;
    const std::uint8_t puback[] = {0x40, 2, static_cast<std::uint8_t>(packet_id >> 8),
                                   static_cast<std::uint8_t>(packet_id & 0xFF)};
    stage.feed(stage.subscribers().front(), puback);
    stage.drain(stage.subscribers().front());
    stage.drain(stage.publisher());
  }
  report(state, 1);
}
BENCHMARK(BM_RelayQos1);

// Accept, CONNECT, CONNACK, and the loss of the connection.
void BM_Connect(benchmark::State& state) {
  Stage stage(ProtocolVersion::v5_0);
  wire::Connect packet;
  packet.client_id = "a-client-that-comes-and-goes";
  const Bytes bytes = encoded(packet, ProtocolVersion::v5_0);
  for (auto _ : state) {
    const ConnectionId id = stage.open();
    stage.feed(id, bytes);
    stage.lose(id);
  }
  report(state, 1);
}
BENCHMARK(BM_Connect);

}  // namespace
