// One life of the broker's process: the real core loop, its records and its recovery, on the simulated clock, network
// and disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/sim/clock.h"
#include "env/sim/network.h"
#include "server/core_loop.h"
#include "server/durable/durable_records.h"
#include "sim/faulty_disk.h"
#include "sim/settings.h"
#include "sim/sinks.h"
#include "store/memory/memory_backend.h"
#include "store/store.h"

namespace martlet::sim {

// Told of each message that goes to the log, before it does.
using OnLogged = std::function<void(ByteView payload, std::uint64_t position)>;

class Process {
 public:
  // Everything handed in outlives the process; the disk as it is now belongs to it.
  Process(const Settings& settings, std::uint32_t cores, env::sim::SimulatedClock& clock,
          env::sim::SimulatedNetwork& network, std::shared_ptr<store::MemoryDisk> disk, const DiskTrouble& trouble,
          Plant plant, const OnLogged& on_logged);

  // Reads the disk and opens the door; an Error if the disk holds what cannot be read.
  Result<void> start();
  void turn(std::size_t core) { cores_[core]->loop.turn(0); }
  std::size_t cores() const { return cores_.size(); }
  // The disk commits one group, if it can.
  void commit(bool sync) { store_->step(sync); }
  // Says goodbye to the clients and stops cleanly.
  void stop(env::sim::SimulatedClock& clock);

  const store::Store& store() const { return *store_; }
  broker::Broker& broker(std::size_t core) { return cores_[core]->loop.broker(); }
  // Nothing is on its way between the cores, and no session's remnant is left.
  bool at_rest() const;
  std::size_t sessions() const;
  // Deliveries that limits have cut so far.
  std::uint64_t cut_by_limits();
  // Those under way whose records are trimmed: they are lost with the process.
  std::uint64_t cut_under_way();

 private:
  class Sink final : public ForwardingSink {
   public:
    Sink(broker::RecordSink& real, OnLogged on_logged) : ForwardingSink(real), on_logged_(std::move(on_logged)) {}
    void add(const broker::Record& record) override;
    std::uint64_t trimmed() const { return trimmed_; }

   private:
    OnLogged on_logged_;
    std::uint64_t trimmed_ = 0;  // below it, committed or not
  };
  class SilentLog final : public broker::Log {
   public:
    bool wants(broker::LogLevel) const override { return false; }

   private:
    void put(broker::LogLevel, std::string_view, const broker::LogSubject&) override {}
  };

  struct Core {
    Core(Process& process, std::uint32_t number, env::sim::SimulatedNetwork& host, const Settings& settings,
         Plant plant, const OnLogged& on_logged);
    env::sim::SimulatedPoller network;
    server::DurableRecords records;
    PlantedSink planted;
    Sink sink;
    std::unique_ptr<server::CoreLink> link;  // null with one core
    server::CoreLoop loop;
  };
  std::vector<broker::Broker*> brokers();

  env::sim::SimulatedClock& clock_;
  broker::BrokerOptions options_;
  std::unique_ptr<store::Store> store_;
  broker::AllowAll access_;
  SilentLog log_;
  std::unique_ptr<broker::Commons> commons_;
  std::unique_ptr<server::Switchboard> board_;
  std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace martlet::sim
