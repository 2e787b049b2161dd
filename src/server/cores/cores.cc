#include "server/cores/cores.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "env/posix/threads.h"

namespace martlet::server {

Cores::Cores(const ServerConfig& config, std::span<env::Network* const> networks,
             std::span<broker::RecordSink* const> records, const AccessPolicy& access,
             const CoresDependencies& dependencies)
    : config_(config), doors_(dependencies.doors), sockets_(dependencies.sockets) {
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
    fronts_.push_back(std::make_unique<AccessFront>(access));
    mailboxes_.push_back(std::make_unique<Mailbox>([&network] { network.wake(); }));
    CoreDependencies own{network,         dependencies.clock, *records[core],
                         *fronts_.back(), *fronts_.back(),    dependencies.broker_log};
    own.net_log = &dependencies.net_log;
    own.commons = commons_.get();
    own.link = links_.empty() ? nullptr : links_.back().get();
    own.mailbox = mailboxes_.back().get();
    own.admission = &dependencies.admission;
    loops_.push_back(std::make_unique<CoreLoop>(config.broker, config.reactor, own));
  }
}

Cores::~Cores() = default;

std::vector<broker::Broker*> Cores::brokers() {
  std::vector<broker::Broker*> brokers;
  brokers.reserve(loops_.size());
  for (const auto& loop : loops_) brokers.push_back(&loop->broker());
  return brokers;
}

Result<std::vector<std::string>> Cores::listen() {
  std::vector<std::string> bound;
  for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
    const auto opened = listen(i);
    if (!opened) {
      return fail(fmt::format("{}: choose another address with --listen HOST:PORT, or address in [[listener]]",
                              opened.error().message),
                  opened.error().system_code);
    }
    bound.push_back(env::to_text(*opened));
  }
  return bound;
}

Result<env::Endpoint> Cores::listen(std::size_t index) {
  const ListenerConfig& listener = config_.listeners[index];
  auto endpoint = env::parse_endpoint(listener.address, kDefaultPort);
  if (!endpoint) return endpoint;
  ListenerSetup setup;
  setup.index = static_cast<std::uint32_t>(index);
  setup.name = listener.name;
  setup.layers = doors_.layers(index);
  setup.named_by_user = listener.username_as_client_id;
  setup.behind_proxy = listener.proxy_protocol;
  for (const std::string& text : listener.proxy_trusted) {
    // Checked with the rest of the configuration.
    if (const auto range = parse_network_range(text)) setup.proxies.push_back(*range);
  }
  setup.options.unix_mode = listener.unix_mode;
  setup.options.interface = listener.interface;
  setup.options.inherited_descriptor = inherited(listener);
  // A Unix socket has one listener; the lobby spreads its connections.
  const bool by_first = !env::unix_path(*endpoint).empty() && setup.options.inherited_descriptor < 0;
  if (count() == 1 || by_first) {
    for (const auto& loop : loops_) loop->know_listener(setup);
    return loops_[0]->listen(*endpoint, setup);
  }
  // Sockets that share a port would also share it with a second broker that was started by mistake.
  if (setup.options.inherited_descriptor < 0) {
    if (const auto free = loops_[0]->try_address(*endpoint); !free) return tl::unexpected(free.error());
  }
  setup.options.reuse_port = true;
  for (const auto& loop : loops_) {
    auto opened = loop->listen(*endpoint, setup);
    if (!opened) return opened;
    endpoint = *opened;  // for port 0: what the system chose
  }
  return endpoint;
}

// The service manager's socket of the listener's name; the only one for the only listener.
int Cores::inherited(const ListenerConfig& listener) const {
  for (const env::posix::InheritedSocket& socket : sockets_) {
    const bool only = sockets_.size() == 1 && config_.listeners.size() == 1;
    if (socket.name == listener.name || only) return socket.descriptor;
  }
  return -1;
}

void Cores::use(const AccessPolicy& access) {
  for (std::size_t core = 0; core < loops_.size(); ++core) {
    mailboxes_[core]->post([front = fronts_[core].get(), access] { front->use(access); });
  }
}

void Cores::use(const std::vector<broker::ListenerPolicy>& listeners) {
  for (std::size_t core = 0; core < loops_.size(); ++core) {
    mailboxes_[core]->post([loop = loops_[core].get(), listeners] { loop->broker().use_policies(listeners); });
  }
}

void Cores::on_each(const std::function<void()>& task) {
  for (const auto& mailbox : mailboxes_) mailbox->post(task);
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
