#include "server/config/check_listener.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "base/network_range.h"
#include "base/printable.h"
#include "env/endpoint.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMostMountPointBytes = 1024;
constexpr std::size_t kMostUnixPathBytes = 107;  // what a Unix socket's address holds

bool is_number(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// One listener under check.
class Check {
 public:
  Check(ServerConfig& config, std::size_t index, ConfigErrors& errors)
      : config_(config), listener_(config.listeners[index]), index_(index), errors_(errors) {}

  void run() {
    if (!check_address()) return;
    check_mount_point();
    check_proxy();
    check_tls();
    check_identity();
    check_providers();
    if (listener_.max_packet_bytes.value_or(0) > config_.broker.endpoint.queue.max_bytes) {
      fault("max_packet_size",
            "its max_packet_size is more than limits.max_queued_bytes: such messages could not wait");
    }
    if (listener_.protocol == ListenerProtocol::mqtt) {
      for (const std::string_view key : {"websocket.path", "websocket.origins", "websocket.max_header"}) {
        if (is_set(config_, id(), key)) fault(key, fmt::format("{} needs protocol = \"ws\"", key));
      }
    } else if (const std::string& path = listener_.websocket.path; path != "*" && !path.starts_with('/')) {
      fault("websocket.path", fmt::format("websocket.path \"{}\" is no path, and no client would be let in: it begins "
                                          "with \"/\", or is \"*\"",
                                          printable(path)));
    }
    if (!listener_.is_unix() && is_set(config_, id(), "unix_mode")) {
      fault("unix_mode", "unix_mode needs an address that begins with \"unix:\"");
    }
  }

 private:
  TableId id() const { return {"listener", index_}; }

  void fault(std::string_view key, std::string_view what) {
    errors_.push_back(fmt::format("{}listener {}: {}", place_before(config_, id(), key), index_ + 1, what));
  }

  // False if there is nothing to check further.
  bool check_address() {
    if (listener_.address.empty()) {
      errors_.push_back(fmt::format("{}listener {} has no address: add address = \"127.0.0.1:{}\"",
                                    place_before(config_, id(), "address"), index_ + 1, kDefaultPort));
      return false;
    }
    bool unique = true;
    if (listener_.is_unix()) {
      const std::string_view path = std::string_view(listener_.address).substr(kUnixPrefix.size());
      if (path.empty()) fault("address", "write a path behind unix:, as \"unix:/run/martlet/mqtt.sock\"");
      if (path.size() > kMostUnixPathBytes) {
        fault("address", fmt::format("the path of a Unix socket has at most {} bytes", kMostUnixPathBytes));
      }
    } else {
      const auto endpoint = env::parse_endpoint(listener_.address, kDefaultPort);
      if (!endpoint) {
        fault("address", endpoint.error().message);
        return false;
      }
      if (const std::string& host = endpoint->host; !host.empty() && is_number(host)) {
        fault("address", fmt::format("address: \"{}\" is a port without an address: write \"127.0.0.1:{}\", or "
                                     "\"*:{}\" for all addresses of this machine",
                                     host, host, host));
        return false;
      }
      listener_.address = env::to_text(*endpoint);
      unique = endpoint->port != 0;
    }
    if (listener_.name.empty()) listener_.name = listener_.address;
    check_name();
    for (std::size_t i = 0; i < index_ && unique; ++i) {
      if (config_.listeners[i].address != listener_.address) continue;
      errors_.push_back(fmt::format("{}two listeners have the address {}: remove one",
                                    place_before(config_, id(), "address"), listener_.address));
    }
    if (listener_.is_unix() && !listener_.interface.empty()) fault("interface", "a Unix socket is at no interface");
    return true;
  }

  // Rules and logs call it by its name; those on port 0 may have the same address as their name.
  void check_name() {
    if (!is_set(config_, id(), "name")) return;
    for (std::size_t i = 0; i < index_; ++i) {
      if (config_.listeners[i].name != listener_.name) continue;
      fault("name",
            fmt::format("name: listener {} is called \"{}\" too: give each a name of its own", i + 1, listener_.name));
    }
  }

  void check_mount_point() {
    const std::string& point = listener_.mount_point;
    if (point.find_first_of(std::string_view("+#\0", 3)) != std::string::npos) {
      fault("mount_point",
            fmt::format("mount_point \"{}\" must be the beginning of a topic name, without + and #", point));
    }
    if (point.size() > kMostMountPointBytes) {
      fault("mount_point", fmt::format("its mount_point has more than {} bytes", kMostMountPointBytes));
    }
  }

  void check_proxy() {
    if (!listener_.proxy_trusted.empty() && !listener_.proxy_protocol) {
      fault("proxy_trusted", "proxy_trusted needs proxy_protocol = true");
    }
    for (const std::string& range : listener_.proxy_trusted) {
      if (const auto parsed = parse_network_range(range); !parsed) {
        fault("proxy_trusted", fmt::format("proxy_trusted: {}", parsed.error().message));
      }
    }
  }

  bool verifies_clients() const {
    return !listener_.tls.client_ca_file.empty() || !listener_.tls.client_ca_dir.empty();
  }

  void check_tls() {
    const net::TlsOptions& tls = listener_.tls;
    if (!tls.on()) {
      for (const auto& option : listener_options()) {
        const std::string_view key = option.facts.name;
        if (!key.starts_with("tls.") || option.value_text(listener_) == option.value_text({})) continue;
        fault(key, fmt::format("{} needs tls.certificate or tls.psk_file: without them the listener has no TLS", key));
        return;
      }
      return;
    }
    if (tls.certificate.empty()) {
      if (!tls.key.empty()) fault("tls.key", "tls.key needs tls.certificate");
      if (!tls.more_certificates.empty()) fault("tls.more_certificates", "tls.more_certificates needs tls.certificate");
    }
    if (tls.min_version > tls.max_version) fault("tls.min_version", "tls.min_version is newer than tls.max_version");
    if (tls.require_certificate && !verifies_clients()) {
      fault("tls.require_certificate", "tls.require_certificate needs tls.client_ca: who may have signed them");
    }
    if (!tls.crl_file.empty() && !verifies_clients()) fault("tls.crl", "tls.crl needs tls.client_ca");
  }

  void check_identity() {
    if (listener_.identity == ListenerIdentity::none || verifies_clients() || !listener_.tls.psk_file.empty()) return;
    fault("identity", "identity needs clients with certificates (tls.client_ca) or pre-shared keys (tls.psk_file)");
  }

  void check_providers() {
    std::vector<std::string_view> names;
    names.reserve(config_.auth.providers.size());
    for (const auth::ProviderOptions& provider : config_.auth.providers) names.push_back(provider.name);
    if (listener_.authentication.size() == 1 && listener_.authentication[0] == auth::kNoProviders) return;
    for (const std::string& name : listener_.authentication) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      fault("authentication",
            fmt::format("there is no [[authentication]] with the name \"{}\"{}", name, suggestion(name, names)));
    }
  }

  ServerConfig& config_;
  ListenerConfig& listener_;
  std::size_t index_;
  ConfigErrors& errors_;
};

}  // namespace

void check_listeners(ServerConfig& config, ConfigErrors& errors) {
  for (std::size_t i = 0; i < config.listeners.size(); ++i) Check(config, i, errors).run();
}

}  // namespace martlet::server
