// The end of a run: no more faults, everybody is there, and everything is delivered.
#include <fmt/format.h>

#include <string>

#include "sim/world.h"

namespace martlet::sim {

using env::sim::LinkId;
using env::sim::To;

namespace {

constexpr std::int64_t kRoundMs = 50;
constexpr int kQuietRounds = 4;
constexpr int kMostRounds = 5'000;

}  // namespace

bool World::carry_all() {
  links_.clear();
  network_.for_each([this](LinkId link) { links_.push_back(link); });
  bool any = false;
  for (const LinkId link : links_) {
    for (const To to : {To::server, To::client}) {
      const std::size_t bytes = network_.under_way(link, to);
      any |= bytes > 0 || network_.unread_by_host(link) > 0;
      carry(link, to, bytes);
    }
  }
  return any;
}

void World::come_to_rest() {
  trace_.add(Trace::kWorld, "comes to rest");
  trouble_ = {};
  if (!process_) start();
  for (Device& device : devices_) device.settle();
  int quiet = 0;
  for (int round = 0; round < kMostRounds && quiet < kQuietRounds && !oracle_.failed(); ++round) {
    ++step_;
    oracle_.begin_step(step_, clock_.now().wall_ms);
    trace_.begin_step(step_, clock_.now().wall_ms - 1'700'000'000'000);
    const bool moved = carry_all();
    bool rest = process_->at_rest();
    for (Device& device : devices_) rest &= device.at_rest();
    turn_all();
    process_->commit(true);
    turn_all();
    clock_.advance(kRoundMs);
    quiet = !moved && rest && process_->store().pending_bytes() == 0 ? quiet + 1 : 0;
  }
  if (quiet == kQuietRounds) return;
  std::string who;
  for (Device& device : devices_) {
    if (!device.at_rest()) who += "; " + device.unrest();
  }
  oracle_.violated(
      fmt::format("it does not come to rest, {} bytes wait for the disk{}", process_->store().pending_bytes(), who));
}

void World::check_end() {
  const std::uint64_t cut = cut_by_limits_ + process_->cut_by_limits();
  oracle_.check_delivered(cut);
  wills_.check_published();
  if (oracle_.failed()) return;
  // A new subscriber to everything gets what is retained.
  devices_.back().subscribe_to_everything();
  come_to_rest();
  if (!oracle_.failed()) oracle_.check_retained(kMostClients);
}

}  // namespace martlet::sim
