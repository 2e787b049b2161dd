// What happens in a step.
#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::sim {

using env::sim::LinkId;
using env::sim::To;

World::World(const RunOptions& options)
    : options_(options),
      random_(options.seed),
      settings_(random_),
      network_(settings_.socket_bytes),
      trace_(options.prints),
      oracle_(settings_),
      wills_(oracle_),
      disk_(std::make_shared<store::MemoryDisk>()) {
  const Surroundings surroundings{random_, network_, oracle_, wills_, trace_};
  static const ClientSettings kLooker;
  for (std::size_t number = 0; number < settings_.clients.size(); ++number) {
    devices_.emplace_back(number, settings_.clients[number], surroundings);
  }
  devices_.emplace_back(kMostClients, kLooker, surroundings);
  trace_.add(Trace::kWorld, "runs with short queues, window, outbox", settings_.short_queues,
             settings_.broker.endpoint.max_in_flight, settings_.broker.endpoint.outbox_high_bytes);
  for (const ClientSettings& client : settings_.clients) {
    trace_.add(static_cast<int>(&client - settings_.clients.data()), "is of version, with expiry, shares",
               static_cast<std::uint64_t>(client.version), client.expiry_s, client.may_share);
  }
  start();
}

World::~World() = default;

Outcome World::run() {
  while (step_ < options_.steps && !oracle_.failed()) step();
  if (!oracle_.failed()) come_to_rest();
  if (!oracle_.failed()) check_end();
  Outcome outcome;
  outcome.failure = oracle_.failure();
  outcome.step = step_;
  outcome.trace_hash = trace_.hash();
  if (oracle_.failed()) outcome.last_lines = trace_.last_lines();
  outcome.messages = oracle_.messages().size();
  outcome.crashes = crashes_;
  return outcome;
}

void World::step() {
  ++step_;
  oracle_.begin_step(step_, clock_.now().wall_ms);
  trace_.begin_step(step_, clock_.now().wall_ms - 1'700'000'000'000);
  if (!process_ && step_ >= up_again_) return start();
  if (trouble_.kind != DiskTrouble::Kind::none && step_ >= disk_well_again_) trouble_ = {};
  const Chances& chances = settings_.chances;
  std::uint64_t left = random_.below(chances.sum());
  const auto is = [&left](std::uint32_t chance) {
    if (left < chance) return true;
    left -= chance;
    return false;
  };
  if (is(chances.carry)) return carry();
  if (is(chances.act)) return devices_[random_.below(devices_.size() - 1)].act();
  if (is(chances.turn)) return turn();
  if (is(chances.commit)) return commit();
  if (is(chances.time)) return pass_time();
  if (is(chances.cut)) return cut();
  if (is(chances.disk_trouble)) return trouble_disk();
  if (is(chances.kill)) return kill();
  if (is(chances.power_cut)) return power_cut();
  restart();
}

// ---- the network

Device* World::owner(LinkId link) {
  const auto found =
      std::find_if(devices_.begin(), devices_.end(), [link](const Device& device) { return device.link() == link; });
  return found == devices_.end() ? nullptr : &*found;
}

// Some bytes of one connection arrive; the broker often has its turn then.
void World::carry() {
  moving_.clear();
  network_.for_each([this](LinkId link) {
    for (const To to : {To::server, To::client}) {
      if (network_.under_way(link, to) > 0) moving_.emplace_back(link, to);
    }
  });
  if (!moving_.empty()) {
    const auto [link, to] = moving_[random_.below(moving_.size())];
    carry(link, to, 1 + random_.below(settings_.largest_piece_bytes));
  }
  if (moving_.empty() || chance(40)) turn();
}

void World::carry(LinkId link, To to, std::size_t bytes) {
  network_.carry(link, to, bytes);
  if (Device* device = owner(link)) device->on_network();
}

void World::cut() {
  links_.clear();
  network_.for_each([this](LinkId link) { links_.push_back(link); });
  if (links_.empty()) return;
  const LinkId link = links_[random_.below(links_.size())];
  trace_.add(Trace::kWorld, "cuts link", link);
  network_.cut(link);
  if (Device* device = owner(link)) device->on_cut();
}

// ---- the broker and its disk

void World::turn() {
  if (!process_) return;
  const std::size_t core = process_->cores() == 1 ? 0 : random_.below(process_->cores());
  process_->turn(core);
  turned_cores_ |= std::uint64_t{1} << core;
  turned();
}

void World::turn_all() {
  if (!process_) return;
  for (std::size_t core = 0; core < process_->cores(); ++core) {
    process_->turn(core);
    turned_cores_ |= std::uint64_t{1} << core;
  }
  turned();
}

void World::turned() {
  if (process_->store().failing()) oracle_.disk_fails();
  check_servers();
  // What is to have happened by now, some core may have had no turn for.
  if (turned_cores_ == (std::uint64_t{1} << process_->cores()) - 1) {
    turned_cores_ = 0;
    wills_.check_live();
  }
  check_bounds();
}

void World::check_servers() {
  for (Device& device : devices_) device.check_server();
}

void World::check_bounds() {
  constexpr std::size_t kSpare = 1'100;
  for (std::size_t core = 0; core < process_->cores(); ++core) {
    const broker::Broker& broker = process_->broker(core);
    if (broker.deadlines() <= 2 * (devices_.size() + broker.sessions()) + kSpare) continue;
    oracle_.violated(fmt::format("{} deadlines wait", broker.deadlines()));
  }
  if (process_->sessions() > devices_.size()) oracle_.violated("there are more sessions than clients");
}

void World::commit() {
  if (!process_) return;
  if (disk_waits_until_ == 0 && random_.below(40) == 0) {
    disk_waits_until_ = step_ + static_cast<Step>(random_.below(200));
  }
  if (step_ < disk_waits_until_) return;
  disk_waits_until_ = 0;
  process_->commit(chance(30));
  if (process_->store().pending_bytes() == 0) wills_.committed();
  const std::uint64_t first = process_->store().reader().first();
  if (first != log_first_) {
    log_first_ = first;
    // With several cores a message has a position with each that is owed it.
    if (settings_.most_cores == 1) oracle_.trimmed(first);
  }
  trace_.add(Trace::kWorld, "committed", process_->store().reader().end(), first, process_->store().pending_bytes());
}

void World::pass_time() {
  const std::uint64_t kind = random_.below(100);
  const std::uint64_t ms = kind < 70 ? random_.below(60) : kind < 97 ? random_.below(1'500) : random_.below(12'000);
  clock_.advance(static_cast<std::int64_t>(ms));
}

}  // namespace martlet::sim
