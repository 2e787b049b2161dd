#include "sim/process.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "server/durable/clean_stop.h"
#include "server/durable/recovery.h"

namespace martlet::sim {
namespace {

constexpr std::uint64_t kClientSeed = 77;

std::unique_ptr<store::Store> open_store(const Settings& settings, std::shared_ptr<store::MemoryDisk> disk,
                                         const DiskTrouble& trouble) {
  std::unique_ptr<store::Backend> backend = store::open_memory(std::move(disk));
  // As a database does when it opens: what a killed process had written is made durable before it is relied on.
  static_cast<void>(backend->sync());
  store::Committer::Options options;
  options.max_group_bytes = settings.max_group_bytes;
  return store::Store::stepped(std::make_unique<FaultyDisk>(std::move(backend), trouble), std::move(options));
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

Ticket Process::Sink::append(const broker::Record& record) {
  if (const auto* trimmed = std::get_if<broker::Trimmed>(&record)) trimmed_ = std::max(trimmed_, trimmed->position);
  return ForwardingSink::append(record);
}

void Process::Sink::add(const broker::Record& record) {
  if (const auto* owed = std::get_if<broker::MessageOwed>(&record)) {
    on_logged_(owed->message.payload(), next_position());
  }
  ForwardingSink::add(record);
}

Process::Process(const Settings& settings, env::sim::SimulatedClock& clock, env::sim::SimulatedNetwork& network,
                 std::shared_ptr<store::MemoryDisk> disk, const DiskTrouble& trouble, Plant plant, OnLogged on_logged)
    : clock_(clock),
      options_(settings.broker),
      store_(open_store(settings, std::move(disk), trouble)),
      records_(*store_, store_->writer(), clock, broker::surest_level(options_.durability)),
      planted_(records_, plant),
      sink_(planted_, std::move(on_logged)),
      core_(options_ = with_client_seed(options_, *store_), reactor_options(settings),
            {network, clock, sink_, access_, access_, log_}) {}

Result<void> Process::start() {
  server::RecoveryOptions recovery;
  recovery.client_seed = options_.client_seed;
  broker::Broker* const brokers[] = {&core_.broker()};
  const auto recovered = server::recover(*store_, brokers, recovery, log_, clock_.now());
  if (!recovered) return tl::unexpected(recovered.error());
  const auto bound = core_.listen({}, "tcp");
  if (!bound) return tl::unexpected(bound.error());
  return {};
}

void Process::stop(env::sim::SimulatedClock& clock) {
  core_.request_stop();
  constexpr std::int64_t kTurnMs = 100;
  while (core_.turn(0)) clock.advance(kTurnMs);
  broker::Broker* const brokers[] = {&core_.broker()};
  server::write_clean_stop(*store_, brokers);
  sink_.submit();
  static_cast<void>(store_->close());
}

std::uint64_t Process::cut_under_way() {
  const std::uint64_t trimmed = std::max(sink_.trimmed(), store_->reader().first());
  std::uint64_t count = 0;
  core_.broker().visit_owed([&](const broker::RestoredDelivery& owed) { count += owed.logged.position < trimmed; });
  return count;
}

std::uint64_t Process::cut_by_limits() {
  const broker::Verdicts& verdicts = core_.broker().verdicts();
  return verdicts.count(broker::VerdictReason::queue_full) + verdicts.count(broker::VerdictReason::session_ended) +
         verdicts.count(broker::VerdictReason::log_limit);
}

}  // namespace martlet::sim
