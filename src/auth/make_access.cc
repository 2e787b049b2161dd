#include "auth/make_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "auth/access_grants.h"
#include "auth/access_listeners.h"
#include "auth/access_mosquitto.h"
#include "auth/access_mosquitto_parser.h"
#include "auth/access_rules.h"
#include "auth/access_rules_parser.h"
#include "base/nearest.h"
#include "base/printable.h"

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
                                               const AccessParts& parts, const std::vector<std::string>* coming) {
  if (options.kind != AccessKind::http) return make_access_source(options, listeners, parts.files, coming);
  // It would be asked twice for everything, and nobody would wait for the answer.
  if (options.shadow) return fail("shadow: a service (kind = \"http\") cannot be one; a file of rules can");
  if (!parts.make_http) return fail("kind: \"http\" is not available here");
  return parts.make_http(options);
}

// A rule that is for no listener at all would deny nothing and allow nothing, and nobody would notice.
Result<void> check_listeners(const AccessRuleFile& file, const std::string& path,
                             const std::vector<std::string>& listeners, const std::vector<std::string>& coming) {
  std::vector<std::string_view> known(listeners.begin(), listeners.end());
  known.insert(known.end(), coming.begin(), coming.end());
  std::string errors;
  for (const AccessRule& rule : file.rules) {
    for (const std::string& name : rule.listeners) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      errors += fmt::format("{}{}:{}: listener: there is no [[listener]] with the name \"{}\"{}",
                            errors.empty() ? "" : "\n", path, rule.line, printable(name), suggestion(name, known));
    }
  }
  return errors.empty() ? Result<void>() : fail(std::move(errors));
}

// The source, for the listeners that the table names.
Result<std::shared_ptr<AccessSource>> for_listeners(std::shared_ptr<AccessSource> source, const AccessOptions& options,
                                                    const std::vector<std::string>& listeners,
                                                    const std::vector<std::string>* coming) {
  if (options.listeners.empty()) return source;
  std::vector<bool> applies(listeners.size());
  for (const std::string& name : options.listeners) {
    const auto at = std::find(listeners.begin(), listeners.end(), name);
    if (at == listeners.end()) {
      if (coming != nullptr && std::find(coming->begin(), coming->end(), name) != coming->end()) continue;
      const std::vector<std::string_view> known(listeners.begin(), listeners.end());
      return fail(fmt::format("authorization \"{}\" names the listener \"{}\", which is not there{}", name_of(options),
                              name, suggestion(name, known)));
    }
    applies[static_cast<std::size_t>(at - listeners.begin())] = true;
  }
  return std::make_shared<AccessListeners>(std::move(source), std::move(applies));
}

}  // namespace

Result<std::shared_ptr<AccessSource>> make_access_source(const AccessOptions& options,
                                                         const std::vector<std::string>& listeners, env::Files& files,
                                                         const std::vector<std::string>* coming) {
  if (options.kind == AccessKind::jwt) return std::make_shared<AccessGrants>(name_of(options));
  if (options.kind == AccessKind::http) return fail("kind: \"http\" has no file");
  if (options.path.empty()) return fail("path: it is missing: the file of rules");
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
  if (coming) {
    if (const auto checked = check_listeners(*rules, options.path, listeners, *coming); !checked) {
      return tl::unexpected(checked.error());
    }
  }
  return std::make_shared<AccessRules>(std::move(*rules), options.path, name_of(options), listeners);
}

Result<std::shared_ptr<AccessChain>> make_access_chain(const AuthOptions& options, const AccessParts& parts) {
  std::vector<std::string> listeners;
  listeners.reserve(options.listeners.size());
  for (const ListenerAuth& listener : options.listeners) listeners.push_back(listener.name);
  AccessChain::Sources sources, shadows;
  // Whoever wants to know of all faults has told all listeners.
  const std::vector<std::string>* coming = parts.fault ? &options.coming_listeners : nullptr;
  std::optional<Error> first;
  for (std::size_t i = 0; i < options.access.size(); ++i) {
    auto source = make_one(options.access[i], listeners, parts, coming);
    if (source) source = for_listeners(std::move(*source), options.access[i], listeners, coming);
    if (source) {
      (options.access[i].shadow ? shadows : sources).push_back(std::move(*source));
      continue;
    }
    if (parts.fault) parts.fault(i, source.error());
    if (!first) first = source.error();
  }
  if (first) return tl::unexpected(*first);
  return std::make_shared<AccessChain>(std::move(sources), std::move(shadows), parts.first_difference);
}

}  // namespace martlet::auth
