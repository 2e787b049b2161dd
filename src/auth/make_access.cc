#include "auth/make_access.h"

#include <fmt/format.h>

#include <utility>

#include "auth/access_grants.h"
#include "auth/access_mosquitto.h"
#include "auth/access_mosquitto_parser.h"
#include "auth/access_rules.h"
#include "auth/access_rules_parser.h"

namespace martlet::auth {
namespace {

std::string_view kind_name(AccessKind kind) {
  switch (kind) {
    case AccessKind::rules:
      return "rules";
    case AccessKind::mosquitto:
      return "mosquitto";
    case AccessKind::jwt:
      return "jwt";
    case AccessKind::http:
      return "http";
  }
  return "";
}

std::string name_of(const AccessOptions& options) {
  return options.name.empty() ? std::string(kind_name(options.kind)) : options.name;
}

Result<std::shared_ptr<AccessSource>> make_one(const AccessOptions& options, const std::vector<std::string>& listeners,
                                               const AccessParts& parts) {
  if (options.kind != AccessKind::http) return make_access_source(options, listeners, parts.files);
  // It would be asked twice for everything, and nobody would wait for the answer.
  if (options.shadow) return fail("authorization: kind \"http\" cannot be a shadow");
  if (!parts.make_http) return fail("authorization: kind \"http\" is not available here");
  return parts.make_http(options);
}

}  // namespace

Result<std::shared_ptr<AccessSource>> make_access_source(const AccessOptions& options,
                                                         const std::vector<std::string>& listeners, env::Files& files) {
  if (options.kind == AccessKind::jwt) return std::make_shared<AccessGrants>(name_of(options));
  if (options.kind == AccessKind::http) return fail("authorization: kind \"http\" has no file");
  if (options.path.empty()) return fail(fmt::format("authorization \"{}\" needs a path", name_of(options)));
  const auto text = files.read_all(options.path, kMaxAccessFileBytes);
  if (!text) return tl::unexpected(text.error());
  if (options.kind == AccessKind::mosquitto) {
    auto acl = parse_mosquitto_acl(*text, options.path);
    if (!acl) return tl::unexpected(acl.error());
    return std::make_shared<AccessMosquitto>(std::move(*acl), options.path, name_of(options),
                                             options.lenient_subscribe);
  }
  auto rules = parse_access_rules(*text, options.path);
  if (!rules) return tl::unexpected(rules.error());
  return std::make_shared<AccessRules>(std::move(*rules), options.path, name_of(options), listeners);
}

Result<std::shared_ptr<AccessChain>> make_access_chain(const AuthOptions& options, const AccessParts& parts) {
  std::vector<std::string> listeners;
  listeners.reserve(options.listeners.size());
  for (const ListenerAuth& listener : options.listeners) listeners.push_back(listener.name);
  AccessChain::Sources sources, shadows;
  for (const AccessOptions& one : options.access) {
    auto source = make_one(one, listeners, parts);
    if (!source) return tl::unexpected(source.error());
    (one.shadow ? shadows : sources).push_back(std::move(*source));
  }
  return std::make_shared<AccessChain>(std::move(sources), std::move(shadows), parts.first_difference);
}

}  // namespace martlet::auth
