#include "server/cores/cores.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "env/posix/threads.h"

namespace martlet::server {

Cores::Cores(const ServerConfig& config, std::span<env::Network* const> networks,
             std::span<broker::RecordSink* const> records, const CoresDependencies& dependencies)
    : config_(config) {
  const auto count = static_cast<std::uint32_t>(networks.size());
  if (count > 1) {
    commons_ = std::make_unique<broker::Commons>(config.broker, config.broker.random_seed, count);
    board_ = std::make_unique<Switchboard>(count);
  }
  for (std::uint32_t core = 0; core < count; ++core) {
    env::Network& network = *networks[core];
    if (board_) {
      board_->set_wake(core, [&network] { network.wake(); });
      links_.push_back(std::make_unique<CoreLink>(*board_, core));
    }
    loops_.push_back(std::make_unique<CoreLoop>(
        config.broker, config.reactor,
        CoreDependencies{network, dependencies.clock, *records[core], dependencies.authenticator,
                         dependencies.authorizer, dependencies.log, commons_.get(),
                         links_.empty() ? nullptr : links_.back().get()}));
  }
}

Cores::~Cores() = default;

std::vector<broker::Broker*> Cores::brokers() {
  std::vector<broker::Broker*> brokers;
  brokers.reserve(loops_.size());
  for (const auto& loop : loops_) brokers.push_back(&loop->broker());
  return brokers;
}

Result<std::string> Cores::listen() {
  std::string bound;
  for (const ListenerConfig& listener : config_.listeners) {
    const auto opened = listen(listener);
    if (!opened) {
      return fail(fmt::format("{}: choose another address with --listen HOST:PORT, or address in [[listener]]",
                              opened.error().message),
                  opened.error().system_code);
    }
    fmt::format_to(std::back_inserter(bound), "{}{}", bound.empty() ? "" : ", ", env::to_text(*opened));
  }
  return bound;
}

Result<env::Endpoint> Cores::listen(const ListenerConfig& listener) {
  auto endpoint = env::parse_endpoint(listener.address, kDefaultPort);
  if (!endpoint) return endpoint;
  ListenerSetup setup;
  setup.name = listener.name;
  if (count() == 1) return loops_[0]->listen(*endpoint, setup);
  setup.options.reuse_port = true;
  // Sockets that share a port would also share it with a second broker that was started by mistake.
  if (const auto free = loops_[0]->try_address(*endpoint); !free) return tl::unexpected(free.error());
  for (const auto& loop : loops_) {
    auto opened = loop->listen(*endpoint, setup);
    if (!opened) return opened;
    endpoint = *opened;  // for port 0: what the system chose
  }
  return endpoint;
}

void Cores::run() {
  std::vector<std::thread> threads;
  for (std::uint32_t core = 1; core < count(); ++core) {
    threads.emplace_back([this, core] {
      if (config_.pin_threads) env::posix::pin_thread(core);
      loops_[core]->run();
    });
  }
  if (config_.pin_threads) env::posix::pin_thread(0);
  loops_[0]->run();
  for (std::thread& thread : threads) thread.join();
}

bool Cores::settled() const {
  return std::all_of(loops_.begin(), loops_.end(), [](const auto& loop) { return loop->settled(); });
}

}  // namespace martlet::server
