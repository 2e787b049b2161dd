#include "server/config/changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/config/option_table.h"

namespace martlet::server {
namespace {

template <class Config>
void compare(std::string_view prefix, std::span<const Option<Config>> options, const Config& before,
             const Config& after, OptionChanges& changes) {
  for (const Option<Config>& option : options) {
    if (option.value_text(before) == option.value_text(after)) continue;
    auto& names = option.facts.live ? changes.live : changes.restart;
    names.push_back(fmt::format("{}{}", prefix, option.facts.name));
  }
}

template <class Table>
bool same_tables(std::span<const Option<Table>> options, const std::vector<Table>& before,
                 const std::vector<Table>& after) {
  const auto same = [&](const Table& a, const Table& b) {
    return std::all_of(options.begin(), options.end(),
                       [&](const auto& option) { return option.value_text(a) == option.value_text(b); });
  };
  return std::equal(before.begin(), before.end(), after.begin(), after.end(), same);
}

void compare_listeners(const ServerConfig& before, const ServerConfig& after, OptionChanges& changes) {
  for (std::size_t i = 0; i < after.listeners.size(); ++i) {
    const ListenerConfig& listener = after.listeners[i];
    const std::string name = fmt::format("listener {}", listener.address);
    if (const ListenerConfig* old = find_listener(before.listeners, listener, i)) {
      compare(name + ": ", listener_options(), *old, listener, changes);
    } else {
      changes.restart.push_back(name + ": is new");
    }
  }
  for (std::size_t i = 0; i < before.listeners.size(); ++i) {
    const ListenerConfig& listener = before.listeners[i];
    if (find_listener(after.listeners, listener, i)) continue;
    changes.restart.push_back(fmt::format("listener {}: is gone", listener.address));
  }
}

}  // namespace

const ListenerConfig* find_listener(const std::vector<ListenerConfig>& listeners, const ListenerConfig& like,
                                    std::size_t index) {
  const bool shared = like.address.ends_with(":0");
  const auto is_it = [&](const ListenerConfig& listener) {
    return listener.address == like.address && (!shared || listener.name == like.name);
  };
  if (index < listeners.size() && is_it(listeners[index])) return &listeners[index];
  const auto found = std::find_if(listeners.begin(), listeners.end(), is_it);
  return found == listeners.end() ? nullptr : &*found;
}

OptionChanges changed_options(const ServerConfig& before, const ServerConfig& after) {
  OptionChanges changes;
  compare("", server_options(), before, after, changes);
  compare_listeners(before, after, changes);
  const auto& rules_before = before.broker.durability.rules;
  const auto& rules_after = after.broker.durability.rules;
  if (!same_tables(durability_options(), rules_before, rules_after)) changes.restart.emplace_back("durability");
  if (!same_tables(provider_options(), before.auth.providers, after.auth.providers)) {
    changes.live.emplace_back("authentication");
  }
  if (!same_tables(access_options(), before.auth.access, after.auth.access)) {
    changes.live.emplace_back("authorization");
  }
  return changes;
}

}  // namespace martlet::server
