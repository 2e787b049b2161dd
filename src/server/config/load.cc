#include "server/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/nearest.h"
#include "env/endpoint.h"
#include "server/config/option_table.h"
#include "server/config/toml_reader.h"
#include "topic/filter.h"

namespace martlet::server {
namespace {

constexpr std::string_view kListenerArray = "listener";
constexpr std::string_view kDurabilityArray = "durability";
// Each is tried for each message that is recorded, and told to each client.
constexpr std::size_t kMostDurabilityRules = 256;
constexpr std::size_t kMostFilterBytes = 1024;

// Whether options begin with `name` and a dot: an empty table of that name is no mistake.
bool is_section(std::string_view name) {
  const auto options = server_options();
  return std::any_of(options.begin(), options.end(), [&](const auto& option) {
    return option.facts.name.starts_with(name) && option.facts.name.substr(name.size()).starts_with('.');
  });
}

template <class Config>
Result<void> assign(Config& config, std::span<const Option<Config>> options, std::string_view name,
                    const WrittenValue& value) {
  const Option<Config>* option = find_option(options, name);
  if (!option) return fail(fmt::format("unknown option \"{}\"{}", name, suggestion(name, option_names(options))));
  const auto applied = option->apply(config, value);
  if (applied) return {};
  const bool other = value.type == WrittenValue::Type::other;
  return fail(fmt::format("option \"{}\"{}: {}", name, other ? " is " + value.text : fmt::format(" = {}", value.text),
                          applied.error().message));
}

// An entry of an array of tables: its heading adds a table to `tables`, a key sets something of it.
template <class Config>
Result<void> apply_to_table(std::vector<Config>& tables, std::span<const Option<Config>> options,
                            const TomlEntry& entry) {
  if (!entry.name.empty()) return assign(tables[entry.table], options, entry.name, entry.value);
  tables.emplace_back();
  return {};
}

// Whether `name` is a key of a table that was to be one of an array.
bool is_in(std::string_view name, std::string_view array) {
  return name == array || (name.starts_with(array) && name.substr(array.size()).starts_with('.'));
}

Result<void> apply_entry(ServerConfig& config, const TomlEntry& entry) {
  if (entry.array == kListenerArray) return apply_to_table(config.listeners, listener_options(), entry);
  if (entry.array == kDurabilityArray) {
    return apply_to_table(config.broker.durability.rules, durability_options(), entry);
  }
  if (!entry.array.empty()) {
    // Only its headings are reported: what is inside is as unknown.
    if (!entry.name.empty()) return {};
    return fail(fmt::format("unknown array of tables [[{}]]; there are [[{}]] and [[{}]]", entry.array, kListenerArray,
                            kDurabilityArray));
  }
  if (is_in(entry.name, kListenerArray)) {
    return fail("write a listener as [[listener]], with two brackets, and its address below");
  }
  if (is_in(entry.name, kDurabilityArray)) {
    return fail("write a rule as [[durability]], with two brackets, and its filter and level below");
  }
  const bool table = entry.value.type == WrittenValue::Type::other && entry.value.text == "a table";
  if (table && is_section(entry.name)) return {};
  return assign(config, server_options(), entry.name, entry.value);
}

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

void check_listeners(ServerConfig& config, ConfigErrors& errors) {
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    ListenerConfig& listener = config.listeners[i];
    if (listener.address.empty()) {
      errors.push_back(fmt::format("listener {} has no address: add address = \"127.0.0.1:{}\"", i + 1, kDefaultPort));
      continue;
    }
    const auto endpoint = env::parse_endpoint(listener.address, kDefaultPort);
    if (!endpoint) {
      errors.push_back(fmt::format("listener {}: {}", i + 1, endpoint.error().message));
      continue;
    }
    listener.address = env::to_text(*endpoint);
    if (listener.name.empty()) listener.name = listener.address;
    for (std::size_t j = 0; j < i && endpoint->port != 0; ++j) {
      if (config.listeners[j].address != listener.address) continue;
      errors.push_back(fmt::format("two listeners have the address {}: remove one", listener.address));
    }
  }
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
      const std::string place = i < config.rule_places.size() ? config.rule_places[i] + ": " : "";
      errors.push_back(fmt::format("{}durability {}: {}", place, i + 1, what));
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

}  // namespace

ConfigErrors apply_toml(ServerConfig& config, std::string_view text, std::string_view file_name) {
  const auto entries = read_toml(text, file_name);
  if (!entries) return {entries.error().message};
  ConfigErrors errors;
  config.listeners.clear();
  config.broker.durability.rules.clear();
  config.rule_places.clear();
  for (const TomlEntry& entry : *entries) {
    const auto applied = apply_entry(config, entry);
    const std::string place = fmt::format("{}:{}", file_name, entry.line);
    if (!applied) errors.push_back(fmt::format("{}: {}", place, applied.error().message));
    if (entry.array == kDurabilityArray && (entry.name.empty() || entry.name == "filter")) {
      config.rule_places.resize(config.broker.durability.rules.size());
      config.rule_places[entry.table] = place;
    }
  }
  return errors;
}

Result<void> apply_assignment(ServerConfig& config, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    return fail(fmt::format("--set {}: write --set section.key=value", assignment));
  }
  const WrittenValue value{WrittenValue::Type::untyped, std::string(assignment.substr(equals + 1))};
  const auto assigned = assign(config, server_options(), assignment.substr(0, equals), value);
  if (!assigned) return fail(fmt::format("--set: {}", assigned.error().message));
  return {};
}

ConfigErrors complete_config(ServerConfig& config) {
  ConfigErrors errors;
  if (config.listeners.empty()) config.listeners.push_back({"", fmt::format("127.0.0.1:{}", kDefaultPort)});
  check_listeners(config, errors);
  check_durability(config, errors);

  const std::uint64_t packet = config.broker.endpoint.max_packet_bytes;
  const std::uint64_t queued = config.broker.endpoint.queue.max_bytes;
  const std::uint64_t retained = config.broker.max_retained_bytes;
  if (queued < packet) {
    errors.push_back(at_least("limits.max_queued_bytes", queued, "limits.max_packet_size", packet));
  }
  if (config.broker.endpoint.retain_available && config.broker.max_retained_messages != 0 && retained < packet) {
    errors.push_back(at_least("limits.max_retained_bytes", retained, "limits.max_packet_size", packet));
  }
  return errors;
}

}  // namespace martlet::server
