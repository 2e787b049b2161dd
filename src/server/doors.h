// What the listeners of a configuration are made of besides their sockets: TLS, WebSocket, PROXY headers. Shared by all
// cores.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/files.h"
#include "net/stream_layer.h"
#include "net/tls_context.h"
#include "server/certificate_dates.h"
#include "server/config/server_config.h"

namespace martlet::server {

class Doors {
 public:
  // Told what is wrong with the n-th listener: option, file and what to do.
  using Fault = std::function<void(std::size_t listener, const Error& error)>;

  // `files` and `clock` outlive it. Tells `fault` of each listener that cannot be made; what is returned is of no use
  // then. `earlier`: those that are to adopt() them, if any; their listeners are the same.
  static std::unique_ptr<Doors> make(const ServerConfig& config, env::Files& files, env::Clock& clock,
                                     const Fault& fault, const Doors* earlier = nullptr);

  // Of the n-th listener, from the socket upwards.
  const net::LayerFactories& layers(std::size_t listener) const { return doors_[listener].layers; }

  // Any thread: certificates, keys, CAs, CRLs and PSKs are those of `fresh` from now on, which has the same listeners.
  void adopt(const Doors& fresh);

  // Any thread: the files that TLS is made of; what is suspicious of what was loaded last.
  std::vector<std::string> files() const;
  std::vector<Notice> notices(std::int64_t wall_ms) const;

 private:
  struct Door {
    std::string name;
    std::unique_ptr<net::LayerFactory> proxy;
    std::unique_ptr<net::TlsContext> tls;
    std::unique_ptr<net::LayerFactory> websocket;
    net::LayerFactories layers;
  };
  std::vector<Door> doors_;
};

}  // namespace martlet::server
