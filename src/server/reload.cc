#include "server/reload.h"

#include <algorithm>
#include <utility>

#include "server/config/changes.h"

namespace martlet::server {
namespace {

// `fresh` with the listeners that there are: sockets stay as they were opened, what is asked of their clients and
// their certificates is as `fresh` says.
ServerConfig with_open_listeners(const ServerConfig& fresh, const ServerConfig& open) {
  ServerConfig config = fresh;
  config.listeners = open.listeners;
  for (ListenerConfig& listener : config.listeners) {
    const auto now = std::find_if(fresh.listeners.begin(), fresh.listeners.end(), [&](const ListenerConfig& one) {
      return one.address == listener.address && one.tls.on() == listener.tls.on();
    });
    if (now == fresh.listeners.end()) continue;
    listener.tls = now->tls;
    listener.allow_anonymous = now->allow_anonymous;
    listener.authentication = now->authentication;
    listener.identity = now->identity;
  }
  return config;
}

}  // namespace

ReloadReport Reloader::reload() {
  ReloadReport report;
  const ServerConfig fresh = read_(report.errors);
  if (!report.ok()) return report;
  const ServerConfig config = with_open_listeners(fresh, config_);
  if (const auto doors = targets_.check_doors(config); !doors) {
    report.errors.push_back(doors.error().message);
    return report;
  }
  auto access = make_access_policy(config, targets_.means);
  if (!access) {
    report.errors.push_back(access.error().message);
    return report;
  }
  if (const auto loaded = targets_.doors.reload(config); !loaded) {
    report.errors.push_back(loaded.error().message);
    return report;
  }
  OptionChanges changes = changed_options(config_, fresh);
  report.changed = std::move(changes.live);
  report.restart = std::move(changes.restart);
  access_ = *access;
  targets_.cores.use(access_);
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
  if (const auto loaded = targets_.doors.reload(config_); !loaded) report.errors.push_back(loaded.error().message);
  return report;
}

}  // namespace martlet::server
