#include "server/start_lines.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "base/printable.h"
#include "build_info.h"
#include "server/config/effective.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

std::string shown(const ServerConfig& config, std::string_view option) {
  return find_option(server_options(), option)->value_text(config);
}

// Where data is, and how safe it is.
std::string data_text(const ServerConfig& config) {
  if (!config.keeps_data()) return "no data directory: nothing outlives the process";
  std::string text = fmt::format("data in {}, durability {}", config.data_dir, shown(config, "store.durability"));
  const std::size_t rules = config.broker.durability.rules.size();
  if (rules != 0) fmt::format_to(std::back_inserter(text), " and {} rule{}", rules, rules == 1 ? "" : "s");
  return text;
}

std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string threads_text(std::uint32_t threads) {
  return fmt::format("{} thread{}", threads, threads == 1 ? "" : "s");
}

// What a listener's TLS asks of a client; empty without TLS.
std::string tls_text(const net::TlsOptions& tls) {
  if (!tls.on()) return {};
  const bool asks = !tls.client_ca_file.empty() || !tls.client_ca_dir.empty();
  std::string text = tls.certificate.empty() ? "tls with psk" : "tls";
  if (!tls.certificate.empty() && !tls.psk_file.empty()) text += ", or psk";
  if (tls.require_certificate) {
    text += ", client certificate required";
  } else if (asks) {
    text += ", client certificate optional";
  }
  return text;
}

// Who says who a client is: the names of providers, "tls identity", and "anonymous" for those who need not say.
std::string authentication_text(const ServerConfig& config, const auth::ListenerAuth& access) {
  if (access.identity_from_tls) return "tls identity";
  std::vector<std::string> names = access.providers;
  if (names.empty()) {
    for (const auth::ProviderOptions& provider : config.auth.providers) names.push_back(provider.name);
  }
  if (access.allow_anonymous) names.emplace_back("anonymous");
  return names.empty() ? "nobody gets in" : joined(names);
}

void log_listener(const ListenerConfig& listener, const std::string& bound, const std::string& authentication,
                  broker::Log& log) {
  const bool websocket = listener.protocol == ListenerProtocol::ws;
  const std::string_view protocol = websocket ? "ws" : "mqtt";
  const std::string tls = tls_text(listener.tls);
  const std::size_t colon = listener.is_unix() ? std::string::npos : bound.rfind(':');
  const std::string port = colon == std::string::npos ? std::string() : bound.substr(colon + 1);
  const broker::LogField more[] = {{"port", port},
                                   {"protocol", protocol},
                                   {"tls", tls.empty() ? std::string_view("none") : std::string_view(tls)},
                                   {"authentication", authentication},
                                   {"proxy_protocol", listener.proxy_protocol ? "yes" : ""}};
  // A listener's address stands where else a peer's does.
  log.write(broker::LogLevel::info,
            fmt::format("listener{} at {}: {}{}, {}; authentication: {}",
                        listener.name == listener.address ? "" : fmt::format(" \"{}\"", printable(listener.name)),
                        bound, protocol, listener.proxy_protocol ? " behind PROXY protocol" : "",
                        tls.empty() ? std::string_view("no tls") : std::string_view(tls), authentication),
            {{}, bound, {}, listener.name, more});
}

}  // namespace

std::string start_line(const ServerConfig& config, const StartFacts& facts) {
  const std::string connections = config.broker.max_connections == 0
                                      ? fmt::format("connections: up to {} descriptors", facts.descriptors)
                                      : fmt::format("max connections {}", config.broker.max_connections);
  return fmt::format(
      "martlet {} listens on {} ({}, max packet {}, max in flight {}, {}); {}. Try: martlet sub -t '#' -v; options: "
      "docs/configuration.md\n",
      version(), joined(facts.bound), threads_text(facts.threads), shown(config, "limits.max_packet_size"),
      shown(config, "limits.max_in_flight"), connections, data_text(config));
}

void log_start(const ServerConfig& config, const StartFacts& facts, broker::Log& log, broker::Log& net_log) {
  const auth::AuthOptions access = auth_options_of(config);
  for (std::size_t i = 0; i < facts.bound.size(); ++i) {
    log_listener(config.listeners[i], facts.bound[i], authentication_text(config, access.listeners[i]), net_log);
  }
  if (config.log.format != LogFormat::json) return;
  const std::string threads = std::to_string(facts.threads);
  const std::string durability = config.keeps_data() ? shown(config, "store.durability") : std::string();
  const broker::LogField more[] = {
      {"version", version()}, {"threads", threads}, {"data", config.data_dir}, {"durability", durability}};
  log.write(
      broker::LogLevel::info,
      fmt::format("martlet {} has started with {}; {}", version(), threads_text(facts.threads), data_text(config)),
      {{}, {}, {}, {}, more});
}

}  // namespace martlet::server
