#include "broker/durability_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "topic/filter.h"

namespace martlet::broker {

Durability level_of(const DurabilityOptions& options, std::string_view topic) {
  const auto rule = std::find_if(options.rules.begin(), options.rules.end(),
                                 [&](const DurabilityRule& one) { return topic::matches(one.filter, topic); });
  return rule == options.rules.end() ? options.level : rule->level;
}

Durability surest_level(const DurabilityOptions& options) {
  Durability surest = options.level;
  for (const DurabilityRule& rule : options.rules) surest = std::min(surest, rule.level);
  return surest;
}

std::vector<std::string> announcement(const DurabilityOptions& options, bool kept) {
  if (!kept) return {std::string(durability_name(Durability::memory))};
  std::vector<std::string> texts;
  texts.push_back(options.level == Durability::interval ? fmt::format("interval {} ms", options.sync_interval_ms)
                                                        : std::string(durability_name(options.level)));
  const std::size_t rules = std::min(options.rules.size(), kMostAnnouncedRules);
  for (std::size_t i = 0; i < rules; ++i) {
    texts.push_back(fmt::format("{} {}", durability_name(options.rules[i].level), options.rules[i].filter));
  }
  return texts;
}

}  // namespace martlet::broker
