// All cores of a broker process: their loops, each on its own thread, and what joins them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/commons.h"
#include "env/clock.h"
#include "env/network.h"
#include "env/posix/service_manager.h"
#include "server/access/access_front.h"
#include "server/admission/admission.h"
#include "server/config/server_config.h"
#include "server/core_loop.h"
#include "server/cores/core_link.h"
#include "server/cores/mailbox.h"
#include "server/doors.h"

namespace martlet::server {

// What the cores are built on beside their networks; all of it outlives them, and is used by all of their threads.
struct CoresDependencies {
  env::Clock& clock;
  broker::Log& broker_log;
  broker::Log& net_log;
  Admission& admission;
  const Doors& doors;
  const std::vector<env::posix::InheritedSocket>& sockets;  // that the service manager has opened
};

class Cores {
 public:
  // `networks`: one for each core, at least one. `records`: as many. `config` outlives the cores.
  Cores(const ServerConfig& config, std::span<env::Network* const> networks,
        std::span<broker::RecordSink* const> records, const AccessPolicy& access,
        const CoresDependencies& dependencies);
  ~Cores();

  std::uint32_t count() const { return static_cast<std::uint32_t>(loops_.size()); }
  CoreLoop& loop(std::uint32_t core) { return *loops_[core]; }
  std::vector<broker::Broker*> brokers();

  // Any thread, while they run: from now on each asks `access`, and `listeners` hold for new connections; calls `task`
  // on each one's thread.
  void use(const AccessPolicy& access);
  void use(const std::vector<broker::ListenerPolicy>& listeners);
  void on_each(const std::function<void()>& task);

  // Opens all listeners of the configuration on all cores; where each is bound.
  Result<std::vector<std::string>> listen();
  // Until a stop was asked for and carried out. Core 0 runs on the calling thread.
  void run();
  // After run(): nothing of what the cores told each other was lost.
  bool settled() const;

 private:
  Result<env::Endpoint> listen(std::size_t index);
  int inherited(const ListenerConfig& listener) const;

  const ServerConfig& config_;
  const Doors& doors_;
  const std::vector<env::posix::InheritedSocket>& sockets_;
  std::unique_ptr<broker::Commons> commons_;
  std::unique_ptr<Switchboard> board_;
  std::vector<std::unique_ptr<CoreLink>> links_;
  std::vector<std::unique_ptr<AccessFront>> fronts_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::vector<std::unique_ptr<CoreLoop>> loops_;
};

}  // namespace martlet::server
