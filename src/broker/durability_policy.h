// How safe a message must be before it is acknowledged, by its topic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/durability.h"

namespace martlet::broker {

struct DurabilityRule {
  std::string filter;  // a topic filter, not of a shared subscription
  Durability level = Durability::fsync;
};

struct DurabilityOptions {
  Durability level = Durability::fsync;   // where no rule matches
  std::vector<DurabilityRule> rules;      // the first that matches rules
  std::uint32_t sync_interval_ms = 1000;  // the store's, for the announcement
  bool announce = true;                   // to 5.0 clients, in CONNACK
};

// Rules that are announced; of more, the first ones.
inline constexpr std::size_t kMostAnnouncedRules = 16;

// What holds for messages of the topic name `topic`.
Durability level_of(const DurabilityOptions& options, std::string_view topic);

// The surest level that any topic has. It is what sessions and exchanges are kept at: a client uses one set of packet
// identifiers for all topics, so one that a power cut brought back could swallow a message of a surer topic.
Durability surest_level(const DurabilityOptions& options);

// What a client is told, one text each: "fsync", "interval 1000 ms" or "memory", then each rule's level and filter.
// Without a log (`kept` false) it is "memory" alone, whatever the options say.
std::vector<std::string> announcement(const DurabilityOptions& options, bool kept);

}  // namespace martlet::broker
