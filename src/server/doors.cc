#include "server/doors.h"

#include <fmt/format.h>

#include <utility>

#include "net/proxy_protocol.h"
#include "net/websocket_layer.h"

namespace martlet::server {
namespace {

// How the keys of a listener begin that TLS is about.
const std::string kTlsPrefix = "tls.";

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

}  // namespace

std::unique_ptr<Doors> Doors::make(const ServerConfig& config, env::Files& files, env::Clock& clock, const Fault& fault,
                                   const Doors* earlier) {
  auto doors = std::make_unique<Doors>();
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const ListenerConfig& listener = config.listeners[i];
    Door door;
    door.name = listener.name;
    if (listener.proxy_protocol) {
      door.proxy = std::make_unique<net::ProxyFactory>(proxy_options(listener));
      door.layers.push_back(door.proxy.get());
    }
    if (listener.tls.on()) {
      const net::TlsContext* before = earlier ? earlier->doors_[i].tls.get() : nullptr;
      auto tls = net::TlsContext::make(listener.tls, is_websocket(listener), files, clock, before);
      if (tls) {
        door.tls = std::move(*tls);
        door.layers.push_back(door.tls.get());
      } else {
        fault(i, {kTlsPrefix + tls.error().message, tls.error().system_code});
      }
    }
    if (is_websocket(listener)) {
      door.websocket = std::make_unique<net::WebSocketFactory>(listener.websocket);
      door.layers.push_back(door.websocket.get());
    }
    doors->doors_.push_back(std::move(door));
  }
  return doors;
}

void Doors::adopt(const Doors& fresh) {
  for (std::size_t i = 0; i < doors_.size(); ++i) {
    if (doors_[i].tls) doors_[i].tls->adopt(*fresh.doors_[i].tls);
  }
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

std::vector<Notice> Doors::notices(std::int64_t wall_ms) const {
  std::vector<Notice> notices;
  for (const Door& door : doors_) {
    if (!door.tls) continue;
    const auto add = [&](const Notice& notice) {
      notices.push_back({notice.level, fmt::format("listener \"{}\": {}{}", door.name, kTlsPrefix, notice.text)});
    };
    for (const std::string& text : door.tls->warnings()) add({broker::LogLevel::warning, text});
    for (const net::TlsValidity& validity : door.tls->validities()) {
      if (const auto notice = notice_of_dates(validity, wall_ms)) add(*notice);
    }
  }
  return notices;
}

}  // namespace martlet::server
