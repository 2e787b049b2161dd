#include "server/access/access_policy.h"

#include <fmt/format.h>

#include <string_view>

#include "auth/access_http.h"
#include "auth/make_access.h"
#include "auth/make_chain.h"
#include "base/printable.h"
#include "server/config/effective.h"

namespace martlet::server {
namespace {

// A new line of the shadow's table is worth a line of the log.
auth::ShadowTable::FirstSeen shadow_log(broker::Log& log) {
  return [&log](const auth::ShadowDifference& difference) {
    if (!log.wants(broker::LogLevel::info)) return;
    const broker::LogField more[] = {{"topic", difference.topic},
                                     {"rule", difference.rule},
                                     {"rule_now", difference.real_rule},
                                     {"would_be", difference.would_allow ? "allowed" : "denied"}};
    broker::LogSubject subject;
    (difference.is_user ? subject.user : subject.client) = difference.who;
    subject.more = more;
    log.write(broker::LogLevel::info,
              fmt::format("shadow: {} \"{}\" would be {} at \"{}\" by {} (now: {}); martlet ctl shadow counts on",
                          difference.is_user ? "user" : "client", printable(difference.who),
                          difference.would_allow ? "allowed" : "denied", printable(difference.topic), difference.rule,
                          difference.real_rule),
              subject);
  };
}

}  // namespace

std::optional<AccessPolicy> make_access_policy(const ServerConfig& config, const AccessMeans& means,
                                               const AccessFault& fault) {
  const auth::AuthOptions options = auth_options_of(config);
  bool told = false;
  const auto fault_in = [&](std::string_view array) {
    return [&told, &fault, array](std::size_t table, const Error& error) {
      told = true;
      fault({array, table}, error);
    };
  };
  const auto chain = auth::make_chain(options, means.files, {means.clock, means.entropy, means.workers, means.log},
                                      fault_in("authentication"));
  // Of none of the tables alone.
  if (!chain && !told) fault({}, chain.error());
  const auto make_http = [&](const auth::AccessOptions& one) {
    return auth::make_http_access(one, means.files, means.workers);
  };
  const auth::AccessParts parts{means.files, make_http, shadow_log(means.log), fault_in("authorization")};
  const auto access = auth::make_access_chain(options, parts);
  if (!chain || !access) return std::nullopt;
  return AccessPolicy{*chain, *access};
}

}  // namespace martlet::server
