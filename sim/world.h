// One run: a broker, its clients, and everything that happens to them, from one seed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "env/sim/clock.h"
#include "env/sim/network.h"
#include "sim/device.h"
#include "sim/oracle.h"
#include "sim/process.h"
#include "sim/settings.h"
#include "sim/trace.h"
#include "sim/wills.h"

namespace martlet::sim {

struct RunOptions {
  std::uint64_t seed = 0;
  std::uint32_t steps = 2'000;
  Plant plant = Plant::none;
  bool prints = false;  // the trace goes to the standard output as it happens
};

struct Outcome {
  std::string failure;  // empty: everything held
  std::uint32_t step = 0;
  std::uint64_t trace_hash = 0;
  std::string last_lines;  // of the trace, after a failure
  std::uint64_t messages = 0;
  std::uint64_t crashes = 0;
};

class World {
 public:
  explicit World(const RunOptions& options);
  ~World();

  Outcome run();

 private:
  // world.cc: what happens in a step
  void step();
  void carry();
  void carry(env::sim::LinkId link, env::sim::To to, std::size_t bytes);
  void turn();
  void turn_all();
  void turned();
  void commit();
  void pass_time();
  void cut();
  Device* owner(env::sim::LinkId link);
  void check_servers();
  void check_bounds();
  bool chance(std::uint32_t percent) { return random_.below(100) < percent; }

  // world_faults.cc: the machine
  void trouble_disk();
  void kill();
  void power_cut();
  void restart();
  void went_down(const char* how, std::uint64_t off_ms);
  void start();

  // world_end.cc: everything comes to rest
  void come_to_rest();
  bool carry_all();
  void check_end();

  const RunOptions options_;
  Random random_;
  const Settings settings_;
  env::sim::SimulatedClock clock_;
  env::sim::SimulatedNetwork network_;
  Trace trace_;
  Oracle oracle_;
  Wills wills_;
  std::vector<Device> devices_;  // the last one is there for the end only
  std::shared_ptr<store::MemoryDisk> disk_;
  DiskTrouble trouble_;
  std::unique_ptr<Process> process_;  // null: the broker is down
  Step step_ = 0;
  Step up_again_ = 0;
  Step disk_well_again_ = 0;
  Step disk_waits_until_ = 0;
  std::uint64_t crashes_ = 0;
  std::uint64_t cut_by_limits_ = 0;  // by the processes before this one
  std::uint64_t log_first_ = 0;
  std::uint64_t turned_cores_ = 0;       // as bits: those that had a turn since all had one
  std::vector<env::sim::LinkId> links_;  // scratch, as the next
  std::vector<std::pair<env::sim::LinkId, env::sim::To>> moving_;
};

}  // namespace martlet::sim
