#include "server/doors.h"

#include <fmt/format.h>

#include <utility>

#include "net/proxy_protocol.h"
#include "net/websocket_layer.h"

namespace martlet::server {
namespace {

constexpr std::int64_t kDayMs = 24 * 3'600'000;
constexpr std::int64_t kWarnDays = 30;

bool is_websocket(const ListenerConfig& listener) {
  return listener.protocol == ListenerProtocol::ws;
}

net::ProxyOptions proxy_options(const ListenerConfig& listener) {
  net::ProxyOptions options;
  for (const std::string& text : listener.proxy_trusted) {
    // Checked with the rest of the configuration.
    if (const auto range = parse_network_range(text)) options.trusted.push_back(*range);
  }
  return options;
}

tl::unexpected<Error> at_listener(const ListenerConfig& listener, const Error& error) {
  return fail(fmt::format("listener \"{}\": {}", listener.name, error.message), error.system_code);
}

}  // namespace

Result<std::unique_ptr<Doors>> Doors::make(const ServerConfig& config, env::Files& files, env::Clock& clock) {
  std::unique_ptr<Doors> doors(new Doors(files, clock));
  for (const ListenerConfig& listener : config.listeners) {
    Door door;
    door.name = listener.name;
    if (listener.proxy_protocol) {
      door.proxy = std::make_unique<net::ProxyFactory>(proxy_options(listener));
      door.layers.push_back(door.proxy.get());
    }
    if (listener.tls.on()) {
      auto tls = net::TlsContext::make(listener.tls, is_websocket(listener), files, clock);
      if (!tls) return at_listener(listener, tls.error());
      door.tls = std::move(*tls);
      door.layers.push_back(door.tls.get());
    }
    if (is_websocket(listener)) {
      door.websocket = std::make_unique<net::WebSocketFactory>(listener.websocket);
      door.layers.push_back(door.websocket.get());
    }
    doors->doors_.push_back(std::move(door));
  }
  return doors;
}

Result<void> Doors::reload(const ServerConfig& config) {
  // All are tried before the first one changes.
  for (const ListenerConfig& listener : config.listeners) {
    if (!listener.tls.on()) continue;
    if (const auto tried = net::TlsContext::make(listener.tls, is_websocket(listener), files_, clock_); !tried) {
      return at_listener(listener, tried.error());
    }
  }
  for (std::size_t i = 0; i < doors_.size(); ++i) {
    if (!doors_[i].tls) continue;
    if (const auto loaded = doors_[i].tls->reload(config.listeners[i].tls); !loaded) {
      return at_listener(config.listeners[i], loaded.error());
    }
  }
  return {};
}

std::vector<std::string> Doors::files() const {
  std::vector<std::string> files;
  for (const Door& door : doors_) {
    if (!door.tls) continue;
    const std::vector<std::string> own = door.tls->files();
    files.insert(files.end(), own.begin(), own.end());
  }
  return files;
}

std::vector<std::string> Doors::warnings(std::int64_t wall_ms) const {
  std::vector<std::string> warnings;
  for (const Door& door : doors_) {
    if (!door.tls) continue;
    for (const std::string& text : door.tls->warnings()) {
      warnings.push_back(fmt::format("listener \"{}\": {}", door.name, text));
    }
    const auto expiry_ms = door.tls->certificate_expiry_wall_ms();
    if (!expiry_ms || *expiry_ms <= wall_ms || *expiry_ms - wall_ms > kWarnDays * kDayMs) continue;
    warnings.push_back(fmt::format("listener \"{}\": a certificate expires in {} days: replace it", door.name,
                                   (*expiry_ms - wall_ms) / kDayMs));
  }
  return warnings;
}

}  // namespace martlet::server
