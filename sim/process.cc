#include "sim/process.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "server/durable/clean_stop.h"
#include "server/durable/recovery.h"

namespace martlet::sim {
namespace {

constexpr std::uint64_t kClientSeed = 77;

std::unique_ptr<store::Store> open_store(const Settings& settings, std::uint32_t cores,
                                         std::shared_ptr<store::MemoryDisk> disk, const DiskTrouble& trouble) {
  std::unique_ptr<store::Backend> backend = store::open_memory(std::move(disk));
  // As a database does when it opens: what a killed process had written is made durable before it is relied on.
  static_cast<void>(backend->sync());
  store::Committer::Options options;
  options.max_group_bytes = settings.max_group_bytes;
  return store::Store::stepped(std::make_unique<FaultyDisk>(std::move(backend), trouble), std::move(options), cores);
}

broker::BrokerOptions with_client_seed(broker::BrokerOptions options, store::Store& store) {
  options.client_seed = server::client_seed(store, kClientSeed).value_or(kClientSeed);
  return options;
}

net::ReactorOptions reactor_options(const Settings& settings) {
  net::ReactorOptions options;
  options.read_buffer_bytes = settings.read_buffer_bytes;
  options.events_per_turn = settings.events_per_turn;
  return options;
}

}  // namespace

void Process::Sink::add(const broker::Record& record) {
  if (const auto* trimmed = std::get_if<broker::Trimmed>(&record)) trimmed_ = std::max(trimmed_, trimmed->position);
  if (const auto* owed = std::get_if<broker::MessageOwed>(&record)) {
    on_logged_(owed->message.payload(), next_position());
  }
  ForwardingSink::add(record);
}

Process::Core::Core(Process& process, std::uint32_t number, env::sim::SimulatedNetwork& host, const Settings& settings,
                    Plant plant, const OnLogged& on_logged)
    : network(host, number),
      records(*process.store_, process.store_->writer(number), process.clock_,
              broker::surest_level(process.options_.durability)),
      planted(records, plant),
      sink(planted, on_logged),
      link(process.board_ ? std::make_unique<server::CoreLink>(*process.board_, number) : nullptr),
      loop(process.options_, reactor_options(settings),
           {network, process.clock_, sink, process.access_, process.access_, process.log_, process.commons_.get(),
            link.get()}) {}

Process::Process(const Settings& settings, std::uint32_t cores, env::sim::SimulatedClock& clock,
                 env::sim::SimulatedNetwork& network, std::shared_ptr<store::MemoryDisk> disk,
                 const DiskTrouble& trouble, Plant plant, const OnLogged& on_logged)
    : clock_(clock), options_(settings.broker), store_(open_store(settings, cores, std::move(disk), trouble)) {
  options_ = with_client_seed(options_, *store_);
  if (cores > 1) {
    commons_ = std::make_unique<broker::Commons>(options_, options_.random_seed, cores);
    board_ = std::make_unique<server::Switchboard>(cores);
  }
  for (std::uint32_t number = 0; number < cores; ++number) {
    if (board_) board_->set_wake(number, [] {});
    cores_.push_back(std::make_unique<Core>(*this, number, network, settings, plant, on_logged));
  }
}

std::vector<broker::Broker*> Process::brokers() {
  std::vector<broker::Broker*> brokers;
  for (const auto& core : cores_) brokers.push_back(&core->loop.broker());
  return brokers;
}

Result<void> Process::start() {
  server::RecoveryOptions recovery;
  recovery.client_seed = options_.client_seed;
  const auto recovered = server::recover(*store_, brokers(), recovery, log_, clock_.now());
  if (!recovered) return tl::unexpected(recovered.error());
  // The first core has the door: all others' clients are handed over.
  const auto bound = cores_[0]->loop.listen({}, {.name = "tcp"});
  if (!bound) return tl::unexpected(bound.error());
  return {};
}

void Process::stop(env::sim::SimulatedClock& clock) {
  cores_[0]->loop.request_stop();
  constexpr std::int64_t kTurnMs = 100;
  std::vector<Core*> running;
  for (const auto& core : cores_) running.push_back(core.get());
  while (!running.empty()) {
    std::erase_if(running, [](Core* core) { return !core->loop.turn(0); });
    store_->step(false);
    clock.advance(kTurnMs);
  }
  const bool settled = std::all_of(cores_.begin(), cores_.end(), [](const auto& core) { return core->loop.settled(); });
  if (settled) server::write_clean_stop(*store_, brokers());
  for (const auto& core : cores_) core->sink.submit();
  static_cast<void>(store_->close());
}

bool Process::at_rest() const {
  return std::all_of(cores_.begin(), cores_.end(),
                     [](const auto& core) { return core->loop.broker().remnants() == 0 && core->loop.settled(); });
}

std::size_t Process::sessions() const {
  std::size_t sessions = 0;
  for (const auto& core : cores_) sessions += core->loop.broker().sessions();
  return sessions;
}

std::uint64_t Process::cut_under_way() {
  std::uint64_t trimmed = ~std::uint64_t{0};
  for (const auto& core : cores_) trimmed = std::min(trimmed, core->sink.trimmed());
  trimmed = std::max(trimmed, store_->reader().first());
  std::uint64_t count = 0;
  for (broker::Broker* broker : brokers()) {
    broker->visit_owed([&](const broker::RestoredDelivery& owed) { count += owed.logged.position < trimmed; });
  }
  return count;
}

std::uint64_t Process::cut_by_limits() {
  std::uint64_t count = 0;
  for (broker::Broker* broker : brokers()) {
    const broker::Verdicts& verdicts = broker->verdicts();
    count += verdicts.count(broker::VerdictReason::queue_full) + verdicts.count(broker::VerdictReason::session_ended) +
             verdicts.count(broker::VerdictReason::log_limit);
  }
  return count;
}

}  // namespace martlet::sim
