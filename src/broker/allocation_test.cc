// Steady traffic takes nothing from the heap: operator new is counted from bytes in to bytes out. It is replaced for
// the whole test program; only this file looks at the count.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/testing/fake_ports.h"
#include "session/test_support.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
// The standard library's temporary buffers ask so.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace martlet::broker {
namespace {

using session::test::Bytes;
using session::test::encoded;
using wire::PacketType;
using wire::ProtocolVersion;
using wire::QoS;

struct Case {
  const char* name;
  ProtocolVersion version;
  QoS qos;
  std::size_t subscribers;
  std::vector<std::string> filters;  // each subscriber has all of them
  std::size_t payload_bytes = 64;
  std::size_t burst = 1;  // messages a turn
  std::uint32_t identifier = 0;
  bool outbox_stays = false;  // the last bytes of a turn are still there at the next
};

void PrintTo(const Case& tested, std::ostream* out) {
  *out << tested.name;
}

class Allocation : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr int kWarmUp = 300;
  static constexpr int kTurns = 1000;

  Allocation() {
    options_.sys_interval_s = 0;
    broker_.emplace(options_, Ports{transport_, records_, all_, all_, log_}, now_);
    records_.keeps_names = records_.keeps_log = false;
    publisher_ = connect("publisher");
    for (std::size_t i = 0; i < GetParam().subscribers; ++i) {
      subscribers_.push_back(connect("subscriber" + std::to_string(i)));
      subscribe(subscribers_.back());
    }
    prepare();
  }

  void send(ConnectionId id, const wire::Packet& packet) {
    const Bytes bytes = encoded(packet, GetParam().version);
    broker_->bytes_received(id, bytes, now_);
  }
  ConnectionId connect(std::string_view client_id) {
    const ConnectionId id = transport_.open();
    broker_->connection_opened(id, {0, "address", nullptr}, now_);
    wire::PropertyWriter properties;
    properties.add_number(wire::PropertyId::topic_alias_maximum, 10);
    wire::Connect packet;
    packet.version = GetParam().version;
    packet.client_id = client_id;
    packet.properties = properties.properties();
    send(id, packet);
    return id;
  }
  void subscribe(ConnectionId id) {
    std::uint32_t identifier = GetParam().identifier;
    for (const std::string& filter : GetParam().filters) {
      wire::PropertyWriter properties;
      if (identifier != 0) properties.add_number(wire::PropertyId::subscription_identifier, identifier++);
      wire::FilterListWriter filters(true);
      wire::SubscriptionOptions options;
      options.qos = GetParam().qos;
      filters.add({filter, options});
      send(id, wire::Subscribe{1, properties.properties(), filters.list()});
    }
  }

  // The bytes that are fed are made once: only the broker may allocate in a turn.
  void prepare() {
    const Bytes payload(GetParam().payload_bytes, 'x');
    wire::Publish packet;
    packet.topic = "factory/line/temperature";
    packet.payload = payload;
    packet.qos = GetParam().qos;
    packet.packet_id = packet.qos == QoS::at_most_once ? std::uint16_t{0} : std::uint16_t{1};
    const Bytes one = encoded(packet, GetParam().version);
    for (std::size_t i = 0; i < GetParam().burst; ++i) published_.insert(published_.end(), one.begin(), one.end());
    if (packet.qos == QoS::exactly_once) release_ = encoded(ack(PacketType::pubrel, 1), GetParam().version);
  }
  static wire::PublishAck ack(PacketType type, std::uint16_t packet_id) { return {type, packet_id, {}, {}}; }

  void turn() {
    now_.mono_ms += 1;
    broker_->bytes_received(publisher_, published_, now_);
    if (!release_.empty()) broker_->bytes_received(publisher_, release_, now_);
    for (ConnectionId id : subscribers_) take(id);
    take(publisher_);
    broker_->run_timers(now_);
  }
  // Sends what is in the outbox, and acknowledges what was in it: identifiers go up one by one.
  void take(ConnectionId id) {
    ByteChain& outbox = transport_.at(id).outbox;
    taken_bytes_ += outbox.size();
    const std::size_t left = GetParam().outbox_stays && outbox.size() > 10 ? 10 : 0;
    outbox.consume(outbox.size() - left);
    if (id == publisher_ || GetParam().qos == QoS::at_most_once) return;
    const std::uint16_t first = static_cast<std::uint16_t>(acknowledged_[id.slot] + 1);
    for (std::size_t i = 0; i < GetParam().burst; ++i) acknowledge(id, static_cast<std::uint16_t>(first + i));
    acknowledged_[id.slot] = static_cast<std::uint16_t>(first + GetParam().burst - 1);
  }
  void acknowledge(ConnectionId id, std::uint16_t packet_id) {
    const auto feed = [&](std::uint8_t first_byte) {
      const std::uint8_t bytes[] = {first_byte, 2, static_cast<std::uint8_t>(packet_id >> 8),
                                    static_cast<std::uint8_t>(packet_id & 0xFF)};
      broker_->bytes_received(id, bytes, now_);
    };
    if (GetParam().qos == QoS::at_least_once) return feed(0x40);
    feed(0x50);
    feed(0x70);
  }

  BrokerOptions options_;
  testing::FakeTransport transport_;
  testing::FakeRecords records_;
  AllowAll all_;
  testing::SilentLog log_;
  Now now_{1000, 1'700'000'000'000};
  std::optional<Broker> broker_;
  ConnectionId publisher_;
  std::vector<ConnectionId> subscribers_;
  Bytes published_;
  Bytes release_;
  std::array<std::uint16_t, 16> acknowledged_{};
  std::uint64_t taken_bytes_ = 0;
};

TEST_P(Allocation, SteadyTrafficTakesNothingFromTheHeap) {
  for (int i = 0; i < kWarmUp; ++i) turn();
  const std::uint64_t sent_before = broker_->counters().publish_sent;
  const std::uint64_t before = allocations.load();
  for (int i = 0; i < kTurns; ++i) turn();
  const std::uint64_t after = allocations.load();
  EXPECT_EQ(broker_->counters().publish_sent - sent_before, kTurns * GetParam().burst * GetParam().subscribers);
  EXPECT_GT(taken_bytes_, 0u);
  EXPECT_EQ(after - before, 0u);
}

constexpr ProtocolVersion k5 = ProtocolVersion::v5_0;
constexpr ProtocolVersion k311 = ProtocolVersion::v3_1_1;
const std::string kExact = "factory/line/temperature";
const std::string kWild = "factory/+/#";

INSTANTIATE_TEST_SUITE_P(
    Cases, Allocation,
    ::testing::Values(Case{"qos0_exact_1", k5, QoS::at_most_once, 1, {kExact}},
                      Case{"qos0_exact_10", k5, QoS::at_most_once, 10, {kExact}},
                      Case{"qos0_wildcard_1", k5, QoS::at_most_once, 1, {kWild}},
                      Case{"qos0_wildcard_10", k311, QoS::at_most_once, 10, {kWild}},
                      Case{"qos0_exact_10_311", k311, QoS::at_most_once, 10, {kExact}},
                      Case{"qos0_burst", k5, QoS::at_most_once, 10, {kExact}, 64, 50},
                      Case{"qos0_large_payload", k5, QoS::at_most_once, 10, {kExact}, 20'000, 5},
                      Case{"qos0_slow_reader", k5, QoS::at_most_once, 2, {kExact}, 2000, 5, 0, true},
                      Case{"qos0_identifier", k5, QoS::at_most_once, 1, {kExact}, 64, 1, 7},
                      Case{"qos0_two_identifiers", k5, QoS::at_most_once, 1, {kExact, kWild}, 64, 1, 7},
                      Case{"qos1_exact_1", k5, QoS::at_least_once, 1, {kExact}},
                      Case{"qos1_exact_10", k311, QoS::at_least_once, 10, {kExact}},
                      Case{"qos1_burst", k5, QoS::at_least_once, 10, {kExact}, 64, 30},
                      Case{"qos1_shared", k5, QoS::at_least_once, 1, {"$share/group/" + kExact}},
                      Case{"qos2_exact_1", k5, QoS::exactly_once, 1, {kExact}}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace martlet::broker
