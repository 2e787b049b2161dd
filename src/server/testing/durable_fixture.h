// A broker on a store in memory that is killed, or loses power, and comes back.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/home_core.h"
#include "broker/testing/fake_ports.h"
#include "server/durable/clean_stop.h"
#include "server/durable/durable_records.h"
#include "server/durable/recovery.h"
#include "session/test_support.h"
#include "store/memory/memory_backend.h"

namespace martlet::server::testing {

using session::test::Texts;
using wire::PacketType;
using wire::ProtocolVersion;
using wire::QoS;

inline constexpr std::uint64_t kClientSeed = 77;

class ManualClock final : public env::Clock {
 public:
  Now now() override { return time; }
  Now time{1'000, 1'700'000'000'000};
};

// Lets everybody do everything, but one user, or the clients of one listener, receive nothing.
class Access final : public broker::AllowAll {
 public:
  bool checks_receive() const override { return !deaf_user.empty() || deaf_listener; }
  broker::AccessDecision may_receive(const broker::Actor& actor, std::string_view) override {
    const bool deaf = (!deaf_user.empty() && actor.username == deaf_user) || actor.listener_index == deaf_listener;
    return deaf ? broker::AccessDecision::deny("test") : broker::AccessDecision::allow();
  }
  std::string deaf_user;
  std::optional<std::uint32_t> deaf_listener;
};

// A broker on its core's writer, and its clients.
class Core {
 public:
  Core(store::Store& store, std::uint32_t core, ManualClock& clock, const broker::BrokerOptions& options)
      : clock_(clock),
        options_(options),
        store_(store),
        records_(store_, store_.writer(core), clock_, broker::surest_level(options_.durability)),
        broker_(with_seed(options_, store_), {transport_, records_, all_, all_, log_}, clock_.time) {}

  // The disk has caught up.
  void commit() {
    records_.submit();
    while (store_.step()) {
    }
    broker_.durable(records_.durable_position(), clock_.time);
  }
  broker::ConnectionId connect(std::string_view client_id, std::uint32_t expiry_s = 1000,
                               std::string_view will_topic = {}) {
    wire::PropertyWriter properties;
    if (expiry_s != 0) properties.add_number(wire::PropertyId::session_expiry_interval, expiry_s);
    wire::Connect packet;
    packet.client_id = client_id;
    packet.clean_start = false;
    packet.properties = properties.properties();
    if (!will_topic.empty()) packet.will = wire::Will{will_topic, as_bytes("gone"), QoS::at_least_once, false, {}};
    const broker::ConnectionId id = open(packet);
    commit();
    return id;
  }
  broker::ConnectionId open(const wire::Connect& packet, std::uint32_t listener = 0) {
    const broker::ConnectionId id = transport_.open();
    broker_.connection_opened(id, {listener, "address", nullptr}, clock_.time);
    send(id, packet);
    return id;
  }
  void submit() { records_.submit(); }
  bool reading_paused(broker::ConnectionId id) { return transport_.at(id).paused; }
  void send(broker::ConnectionId id, const wire::Packet& packet) {
    const session::test::Bytes bytes = session::test::encoded(packet, ProtocolVersion::v5_0);
    broker_.bytes_received(id, bytes, clock_.time);
  }
  void subscribe(broker::ConnectionId id, std::string_view filter, unsigned qos) {
    wire::FilterListWriter filters(true);
    wire::SubscriptionOptions options;
    options.qos = static_cast<QoS>(qos);
    filters.add({filter, options});
    send(id, wire::Subscribe{900, {}, filters.list()});
    commit();
  }
  void publish(broker::ConnectionId id, std::string_view topic, unsigned qos, std::string_view payload,
               std::uint16_t packet_id, bool retain = false) {
    send(id, wire::Publish{topic, as_bytes(payload), static_cast<QoS>(qos), false, retain, packet_id, {}});
  }
  void ack(broker::ConnectionId id, PacketType type, std::uint16_t packet_id) {
    send(id, wire::PublishAck{type, packet_id, wire::ReasonCode::success, {}});
  }
  void leave(broker::ConnectionId id) {
    if (!is_open(id)) return;
    transport_.lose(id);
    broker_.connection_lost(id, broker::LostBy::network_error, clock_.time);
  }
  Texts written(broker::ConnectionId id) {
    return session::test::take_packets(transport_.at(id).outbox, ProtocolVersion::v5_0, wire::Sender::server);
  }
  bool is_open(broker::ConnectionId id) { return transport_.is_open(id); }
  std::uint64_t unsafe() { return records_.figures()->unsafe_messages; }
  broker::Broker& broker() { return broker_; }
  DurableRecords& records() { return records_; }
  store::Store& store() { return store_; }
  Access& access() { return all_; }

 private:
  static const broker::BrokerOptions& with_seed(broker::BrokerOptions& options, store::Store& store) {
    options.sys_interval_s = 0;
    options.endpoint.alias_out_maximum = 0;
    options.client_seed = client_seed(store, kClientSeed).value();
    return options;
  }

  ManualClock& clock_;
  broker::BrokerOptions options_;
  store::Store& store_;
  DurableRecords records_;
  broker::testing::FakeTransport transport_;
  Access all_;
  broker::testing::SilentLog log_;
  broker::Broker broker_;
};

// One process of several cores: from the start on what the disk holds to its end.
class Cores {
 public:
  Cores(std::shared_ptr<store::MemoryDisk> disk, std::uint32_t cores, ManualClock& clock,
        const broker::BrokerOptions& options)
      : store_(store::Store::stepped(store::open_memory(std::move(disk)), {}, cores)) {
    for (std::uint32_t i = 0; i < cores; ++i) {
      cores_.push_back(std::make_unique<Core>(*store_, i, clock, options));
      brokers_.push_back(&cores_.back()->broker());
    }
    RecoveryOptions recovery;
    recovery.client_seed = kClientSeed;
    broker::testing::SilentLog log;
    recovered = recover(*store_, brokers_, recovery, log, clock.time);
  }

  Core& core(std::size_t i) { return *cores_[i]; }
  std::size_t size() const { return cores_.size(); }
  store::Store& store() { return *store_; }
  // Where the client's session lives.
  Core& home(std::string_view client_id) {
    const std::uint64_t hash = broker::client_hash(client_id, kClientSeed);
    return core(broker::home_core(hash, static_cast<std::uint32_t>(size())));
  }
  // What all have done is on the disk.
  void commit() {
    for (const auto& core : cores_) core->submit();
    for (const auto& core : cores_) core->commit();
  }
  void write_clean_stop() { server::write_clean_stop(*store_, brokers_); }

  Result<Recovered> recovered = Recovered{};

 private:
  std::unique_ptr<store::Store> store_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<broker::Broker*> brokers_;
};

struct OpenedStore {
  std::unique_ptr<store::Store> opened;
};

// One process of one core.
class Process : private OpenedStore, public Core {
 public:
  Process(std::shared_ptr<store::MemoryDisk> disk, ManualClock& clock, const broker::BrokerOptions& options,
          bool skip_damaged)
      : OpenedStore{store::Store::stepped(store::open_memory(std::move(disk)), {})}, Core(*opened, 0, clock, options) {
    RecoveryOptions recovery;
    recovery.skip_damaged = skip_damaged;
    recovery.progress = [this](std::uint64_t done, std::uint64_t total) { progress.emplace_back(done, total); };
    broker::testing::SilentLog log;
    recovered = recover(store(), brokers_, recovery, log, clock.time);
  }
  void write_clean_stop() { server::write_clean_stop(store(), brokers_); }

  Result<Recovered> recovered = Recovered{};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> progress;  // as it was told

 private:
  const std::array<broker::Broker*, 1> brokers_ = {&broker()};
};

class Durable : public ::testing::Test {
 protected:
  Process& process() {
    if (!process_) process_.emplace(disk_, clock_, options_, skip_damaged_);
    return *process_;
  }
  Process& stop_and_start() {
    process().broker().shut_down(clock_.time);
    process().write_clean_stop();
    process().commit();
    return lose_power();
  }
  // Only what was synced is left.
  Process& lose_power() {
    disk_ = disk_->power_cut();
    process_.reset();
    return process();
  }
  void sync() {
    static_cast<void>(process().store().writer().ticket(Durability::fsync, 0));
    process().commit();
  }
  void drop_hello(broker::ConnectionId id) { process().written(id); }

  ManualClock clock_;
  broker::BrokerOptions options_;  // of the processes that start from now on
  bool skip_damaged_ = false;
  std::shared_ptr<store::MemoryDisk> disk_ = std::make_shared<store::MemoryDisk>();
  std::optional<Process> process_;
};

}  // namespace martlet::server::testing
