// The one table of what an operator can set. Adding an option is adding a row.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "server/config/option.h"
#include "server/config/server_config.h"

namespace martlet::server {

// Named "section.key", grouped by section, in the order in which they are documented. Lives for ever.
std::span<const Option<ServerConfig>> server_options();
// The keys of one [[listener]] table.
std::span<const Option<ListenerConfig>> listener_options();
// The keys of one [[durability]] table.
std::span<const Option<broker::DurabilityRule>> durability_options();

// The keys of one [[authentication]] and one [[authorization]] table; their `kinds` are ProviderKind and AccessKind.
std::span<const Option<auth::ProviderOptions>> provider_options();
std::span<const Option<auth::AccessOptions>> access_options();

// The arrays of tables.
inline constexpr std::array<std::string_view, 4> kOptionArrays = {"listener", "durability", "authentication",
                                                                  "authorization"};

template <class Config>
const Option<Config>* find_option(std::span<const Option<Config>> options, std::string_view name) {
  for (const Option<Config>& option : options) {
    if (option.facts.name == name) return &option;
  }
  return nullptr;
}

template <class Config>
std::vector<std::string_view> option_names(std::span<const Option<Config>> options) {
  std::vector<std::string_view> names;
  names.reserve(options.size());
  for (const Option<Config>& option : options) names.push_back(option.facts.name);
  return names;
}

}  // namespace martlet::server
