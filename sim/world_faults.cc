// What happens to the machine.
#include <fmt/format.h>

#include <utility>

#include "sim/world.h"

namespace martlet::sim {

void World::trouble_disk() {
  if (trouble_.kind != DiskTrouble::Kind::none) return;
  trouble_.kind = chance(60) ? DiskTrouble::Kind::full : DiskTrouble::Kind::lost_answer;
  trouble_.unrepaired = chance(30);
  disk_well_again_ = step_ + static_cast<Step>(1 + random_.below(150));
  trace_.add(Trace::kWorld, "disk in trouble until step", disk_well_again_);
}

void World::kill() {
  if (!process_) return;
  cut_by_limits_ += process_->cut_by_limits() + process_->cut_under_way();
  disk_ = disk_->killed();
  oracle_.forgot(Durability::memory);
  process_.reset();
  went_down("killed", chance(80) ? 0 : random_.below(30'000));
}

void World::power_cut() {
  if (!process_) return;
  cut_by_limits_ += process_->cut_by_limits() + process_->cut_under_way();
  disk_ = disk_->power_cut();
  oracle_.forgot(Durability::interval);
  network_.power_cut();
  process_.reset();
  went_down("loses power", chance(80) ? 0 : random_.below(30'000));
}

void World::restart() {
  if (!process_) return;
  trace_.add(Trace::kWorld, "stops");
  for (Device& device : devices_) device.on_cut();
  process_->stop(clock_);
  cut_by_limits_ += process_->cut_by_limits() + process_->cut_under_way();
  oracle_.begin_step(step_, clock_.now().wall_ms);
  // What a disk in trouble has not taken is lost, as with a crash.
  process_.reset();
  disk_ = disk_->killed();
  oracle_.forgot(Durability::memory);
  went_down("stopped", 0);
}

void World::went_down(const char* how, std::uint64_t off_ms) {
  network_.process_ended();
  ++crashes_;
  check_servers();
  wills_.crashed();
  clock_.advance(static_cast<std::int64_t>(off_ms));
  up_again_ = step_ + static_cast<Step>(1 + random_.below(30));
  trace_.add(Trace::kWorld, how, up_again_);
}

void World::start() {
  clock_.restart(1'000 + static_cast<std::int64_t>(random_.below(1'000'000)));
  disk_waits_until_ = 0;
  turned_cores_ = 0;
  process_ = std::make_unique<Process>(
      settings_, settings_.most_cores == 1 ? 1 : 1 + static_cast<std::uint32_t>(random_.below(settings_.most_cores)),
      clock_, network_, disk_, trouble_, options_.plant,
      [this](ByteView payload, std::uint64_t position) { oracle_.logged(payload, position); });
  const auto started = process_->start();
  if (!started) return oracle_.violated(fmt::format("the broker does not start: {}", started.error().message));
  log_first_ = process_->store().reader().first();
  wills_.restarted();
  trace_.add(Trace::kWorld, "starts", process_->sessions(), log_first_, process_->store().reader().end());
}

}  // namespace martlet::sim
