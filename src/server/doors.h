// What the listeners of a configuration are made of besides their sockets: TLS, WebSocket, PROXY headers. Shared by all
// cores.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/files.h"
#include "net/stream_layer.h"
#include "net/tls_context.h"
#include "server/config/server_config.h"

namespace martlet::server {

class Doors {
 public:
  // `files` and `clock` outlive it. An Error names the listener, option and file.
  static Result<std::unique_ptr<Doors>> make(const ServerConfig& config, env::Files& files, env::Clock& clock);

  // Of the n-th listener, from the socket upwards.
  const net::LayerFactories& layers(std::size_t listener) const { return doors_[listener].layers; }

  // Any thread: certificates, keys, CAs, CRLs and PSKs are loaded anew as `config` names them; its listeners must be
  // those that there are. On an Error nothing changes, at any listener.
  Result<void> reload(const ServerConfig& config);

  // Any thread: the files that reload() reads; what is suspicious of what was loaded last.
  std::vector<std::string> files() const;
  std::vector<std::string> warnings(std::int64_t wall_ms) const;

 private:
  struct Door {
    std::string name;
    std::unique_ptr<net::LayerFactory> proxy;
    std::unique_ptr<net::TlsContext> tls;
    std::unique_ptr<net::LayerFactory> websocket;
    net::LayerFactories layers;
  };
  Doors(env::Files& files, env::Clock& clock) : files_(files), clock_(clock) {}

  env::Files& files_;
  env::Clock& clock_;
  std::vector<Door> doors_;
};

}  // namespace martlet::server
