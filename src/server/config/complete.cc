#include "server/config/complete.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/network_range.h"
#include "server/config/check_listener.h"
#include "server/config/explain.h"
#include "server/config/log_levels.h"
#include "server/config/option_table.h"
#include "topic/filter.h"
#include "wire/text.h"

namespace martlet::server {
namespace {

// Each is tried for each message that is recorded, and told to each client.
constexpr std::size_t kMostDurabilityRules = 256;
constexpr std::size_t kMostFilterBytes = 1024;
constexpr std::size_t kMostIdPrefixBytes = 256;

std::string at_least(std::string_view large, std::uint64_t large_value, std::string_view small,
                     std::uint64_t small_value) {
  const auto text = [](std::string_view name, std::uint64_t value) {
    return number_text(find_option(server_options(), name)->facts, static_cast<std::int64_t>(value));
  };
  return fmt::format(
      "{} ({}) must be at least {} ({}), or the largest messages could never be kept: raise the first "
      "or lower the second",
      large, text(large, large_value), small, text(small, small_value));
}

void check_durability(const ServerConfig& config, ConfigErrors& errors) {
  const broker::DurabilityOptions& options = config.broker.durability;
  if (options.rules.size() > kMostDurabilityRules) {
    errors.push_back(fmt::format("there are {} [[durability]] rules, and at most {} may be", options.rules.size(),
                                 kMostDurabilityRules));
  }
  for (std::size_t i = 0; i < options.rules.size(); ++i) {
    const std::string& filter = options.rules[i].filter;
    const auto fault = [&](std::string_view what) {
      errors.push_back(
          fmt::format("{}durability {}: {}", place_before(config, {"durability", i}, "filter"), i + 1, what));
    };
    if (filter.empty()) {
      fault("it has no filter: add filter = \"telemetry/#\"");
    } else if (filter.size() > kMostFilterBytes) {
      fault(fmt::format("its filter has more than {} bytes", kMostFilterBytes));
    } else if (const auto parsed = topic::parse_filter(filter); !parsed) {
      fault(fmt::format("filter \"{}\": {}", filter, topic::to_text(parsed.error())));
    } else if (parsed->shared) {
      fault(fmt::format("filter \"{}\": messages have no $share/; write \"{}\"", filter, parsed->filter));
    }
  }
}

// The keys of tables with a kind: those that the kind needs are there, those of other kinds are not.
template <class Table>
void check_kinds(const ServerConfig& config, std::string_view array, std::vector<Table>& tables,
                 std::span<const Option<Table>> options, ConfigErrors& errors) {
  const OptionFacts& kind_facts = find_option(options, std::string_view("kind"))->facts;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const TableId id{array, i};
    const auto fault = [&](std::string_view key, std::string_view what) {
      errors.push_back(fmt::format("{}{} {}: {}", place_before(config, id, key), array, i + 1, what));
    };
    if (is_set(config, id, "") && !is_set(config, id, "kind")) {
      fault("", fmt::format("it has no kind: add kind = \"{}\", or another one of {}", kind_facts.choices[0],
                            fmt::join(kind_facts.choices, ", ")));
      continue;
    }
    const auto kind = static_cast<std::size_t>(tables[i].kind);
    const std::uint32_t bit = std::uint32_t{1} << kind;
    for (const Option<Table>& option : options) {
      const std::string_view key = option.facts.name;
      if (option.facts.kinds != 0 && !(option.facts.kinds & bit) && is_set(config, id, key)) {
        fault(key, fmt::format("key `{}` is for {}, not for \"{}\"", key, kinds_text(options, option.facts),
                               kind_facts.choices[kind]));
      } else if ((option.facts.needed & bit) && option.value_text(tables[i]).empty()) {
        fault("", fmt::format("kind = \"{}\" needs {} = {}", kind_facts.choices[kind], key,
                              example_for(option.facts, kind)));
      }
    }
    if (tables[i].name.empty()) tables[i].name = kind_facts.choices[kind];
    const auto same = std::find_if(tables.begin(), tables.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const Table& other) { return other.name == tables[i].name; });
    if (same == tables.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    fault("name",
          fmt::format("there is another one with the name \"{}\": give each a name of its own", tables[i].name));
  }
}

void check_url(const ServerConfig& config, TableId id, const std::string& url,
               std::initializer_list<std::string_view> schemes, std::string_view example, ConfigErrors& errors) {
  if (url.empty()) return;
  for (const std::string_view scheme : schemes) {
    if (url.starts_with(scheme) && url.size() > scheme.size()) return;
  }
  // The URL itself is not shown: it may hold a password.
  errors.push_back(fmt::format("{}{} {}: its url must begin with {}, and name a host behind it, as {}",
                               place_before(config, id, "url"), id.array, id.index + 1, fmt::join(schemes, " or "),
                               example));
}

void check_authentication(ServerConfig& config, ConfigErrors& errors) {
  using auth::ProviderKind;
  check_kinds(config, "authentication", config.auth.providers, provider_options(), errors);
  for (std::size_t i = 0; i < config.auth.providers.size(); ++i) {
    const auth::ProviderOptions& provider = config.auth.providers[i];
    const TableId id{"authentication", i};
    const auto check_scheme = [&](std::initializer_list<std::string_view> schemes) {
      const OptionFacts& url = find_option(provider_options(), "url")->facts;
      check_url(config, id, provider.url, schemes, example_for(url, static_cast<std::size_t>(provider.kind)), errors);
    };
    switch (provider.kind) {
      case ProviderKind::jwt:
        if (provider.secret_file.empty() && provider.public_key_file.empty() && provider.jwks.empty()) {
          errors.push_back(fmt::format("{}authentication {}: kind = \"jwt\" needs secret_file, public_key_file or jwks",
                                       place_before(config, id, ""), i + 1));
        }
        break;
      case ProviderKind::http:
        check_scheme({"http://", "https://"});
        break;
      case ProviderKind::postgresql:
        check_scheme({"postgresql://", "postgres://"});
        break;
      case ProviderKind::redis:
        check_scheme({"redis://", "rediss://"});
        break;
      case ProviderKind::ldap:
        check_scheme({"ldap://", "ldaps://"});
        break;
      case ProviderKind::file:
      case ProviderKind::certificate:
        break;
    }
  }
}

void check_authorization(ServerConfig& config, ConfigErrors& errors) {
  check_kinds(config, "authorization", config.auth.access, access_options(), errors);
  for (std::size_t i = 0; i < config.auth.access.size(); ++i) {
    const auth::AccessOptions& access = config.auth.access[i];
    if (access.kind != auth::AccessKind::http) continue;
    check_url(config, {"authorization", i}, access.url, {"http://", "https://"},
              find_option(access_options(), "url")->facts.example, errors);
  }
}

void check_global(const ServerConfig& config, ConfigErrors& errors) {
  const auto fault = [&](std::string_view option, std::string_view what) {
    errors.push_back(fmt::format("{}{}: {}", place_before(config, option), option, what));
  };
  for (const std::string& range : config.abuse.exempt) {
    if (const auto parsed = parse_network_range(range); !parsed) fault("abuse.exempt", parsed.error().message);
  }
  for (const std::string& level : config.log.levels) {
    if (const auto parsed = parse_room_level(level); !parsed) fault("log.levels", parsed.error().message);
  }
  if (config.abuse.ban_time_max_ms < config.abuse.ban_time_ms) {
    fault("abuse.ban_time_max", "it must not be shorter than abuse.ban_time");
  }
  const std::string& prefix = config.broker.assigned_id_prefix;
  if (prefix.size() > kMostIdPrefixBytes || !wire::valid_text(prefix)) {
    fault("mqtt.assigned_client_id_prefix", fmt::format("it must be text of at most {} bytes", kMostIdPrefixBytes));
  }
  if (!config.group.empty() && config.user.empty()) fault("server.group", "it needs server.user");

  const std::uint64_t packet = config.broker.endpoint.max_packet_bytes;
  const std::uint64_t queued = config.broker.endpoint.queue.max_bytes;
  const std::uint64_t retained = config.broker.max_retained_bytes;
  if (queued < packet) {
    errors.push_back(at_least("limits.max_queued_bytes", queued, "limits.max_packet_size", packet));
  }
  if (config.broker.endpoint.retain_available && config.broker.max_retained_messages != 0 && retained < packet) {
    errors.push_back(at_least("limits.max_retained_bytes", retained, "limits.max_packet_size", packet));
  }
}

}  // namespace

ConfigErrors complete_config(ServerConfig& config) {
  ConfigErrors errors;
  if (config.listeners.empty()) {
    config.listeners.emplace_back().address = fmt::format("127.0.0.1:{}", kDefaultPort);
  }
  check_durability(config, errors);
  check_authentication(config, errors);
  check_authorization(config, errors);
  check_listeners(config, errors);
  check_global(config, errors);
  return errors;
}

}  // namespace martlet::server
