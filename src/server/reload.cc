#include "server/reload.h"

#include <fmt/format.h>

#include <utility>

#include "server/config/changes.h"
#include "server/config/effective.h"
#include "server/preparation.h"

namespace martlet::server {
namespace {

// What stands where in `from` of its n-th listener is what stands in `to` of its m-th.
void copy_places(const ServerConfig& from, std::size_t n, ServerConfig& to, std::size_t m) {
  const std::string prefix = fmt::format("listener[{}]", n);
  for (auto place = from.places.lower_bound(prefix); place != from.places.end() && place->first.starts_with(prefix);
       ++place) {
    to.places.insert_or_assign(fmt::format("listener[{}]{}", m, place->first.substr(prefix.size())), place->second);
  }
}

// `fresh` with the listeners that there are: sockets stay as they were opened, what is asked of their clients and
// their certificates is as `fresh` says.
ServerConfig with_open_listeners(const ServerConfig& fresh, const ServerConfig& open) {
  ServerConfig config = fresh;
  config.listeners = open.listeners;
  std::erase_if(config.places, [](const auto& place) { return place.first.starts_with("listener["); });
  for (const ListenerConfig& listener : fresh.listeners) config.auth.coming_listeners.push_back(listener.name);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    ListenerConfig& listener = config.listeners[i];
    const ListenerConfig* now = find_listener(fresh.listeners, listener, i);
    if (!now || now->tls.on() != listener.tls.on()) continue;
    copy_places(fresh, static_cast<std::size_t>(now - fresh.listeners.data()), config, i);
    listener.tls = now->tls;
    listener.allow_anonymous = now->allow_anonymous;
    listener.authentication = now->authentication;
    listener.identity = now->identity;
    listener.max_connections = now->max_connections;
    listener.max_packet_bytes = now->max_packet_bytes;
    listener.receive_maximum = now->receive_maximum;
    listener.topic_alias_maximum = now->topic_alias_maximum;
    listener.max_keep_alive_s = now->max_keep_alive_s;
  }
  return config;
}

// Whether `fresh` has a listener that only a restart opens: nothing of it is in what with_open_listeners() gives.
bool opens_more(const ServerConfig& fresh, const ServerConfig& open) {
  for (std::size_t i = 0; i < fresh.listeners.size(); ++i) {
    const ListenerConfig* now = find_listener(open.listeners, fresh.listeners[i], i);
    if (!now || now->tls.on() != fresh.listeners[i].tls.on()) return true;
  }
  return false;
}

}  // namespace

ReloadReport Reloader::reload() {
  ReloadReport report;
  const ServerConfig fresh = read_(report.errors);
  if (!report.ok()) return report;
  // What a restart would refuse is refused now, while there is a broker that runs.
  if (opens_more(fresh, config_)) prepare(fresh, {targets_.means, targets_.network}, report.errors);
  if (!report.ok()) return report;
  const ServerConfig config = with_open_listeners(fresh, config_);
  const auto prepared = prepare(config, {targets_.means, targets_.network, &targets_.doors}, report.errors);
  if (!prepared) return report;
  targets_.doors.adopt(*prepared->doors);
  OptionChanges changes = changed_options(config_, fresh);
  report.changed = std::move(changes.live);
  report.restart = std::move(changes.restart);
  access_ = prepared->access;
  // The broker's own limits, which stand in for a listener's, wait for a restart.
  std::vector<broker::ListenerPolicy> policies;
  policies.reserve(config.listeners.size());
  for (const ListenerConfig& listener : config.listeners) policies.push_back(policy_of(config_, listener));
  targets_.cores.use(access_);
  targets_.cores.use(policies);
  targets_.admission.apply(config.abuse);
  targets_.log.apply(config.log);
  // What waits for a restart is told again each time.
  config_.auth = fresh.auth;
  config_.abuse = fresh.abuse;
  config_.log = fresh.log;
  config_.listeners = config.listeners;
  return report;
}

ReloadReport Reloader::reload_certificates() {
  ReloadReport report;
  const auto fault = [&](std::size_t listener, const Error& error) {
    report.errors.push_back(fmt::format("listener \"{}\": {}", config_.listeners[listener].name, error.message));
  };
  const auto fresh = Doors::make(config_, targets_.means.files, targets_.means.clock, fault, &targets_.doors);
  if (report.ok()) targets_.doors.adopt(*fresh);
  return report;
}

}  // namespace martlet::server
