// One rule of Martlet's own rules file, and the whole file.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access_source.h"
#include "base/network_range.h"

namespace martlet::auth {

// One [[rule]]. Of each list that is not empty one entry must fit; users, groups, clients, certificates and listeners
// are globs with '*'.
struct AccessRule {
  bool allow = true;
  std::vector<std::string> users;
  std::vector<std::string> groups;
  std::vector<std::string> clients;
  std::vector<std::string> certificates;
  std::vector<std::string> listeners;
  std::vector<NetworkRange> addresses;
  std::optional<bool> anonymous;
  // Legal filters with placeholders (access_placeholders.h).
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;
  std::vector<std::string> receive;
  std::uint8_t qos = kAnyQos;  // bit n: QoS n; of publish and subscribe
  std::optional<bool> retain;  // of publish
  std::size_t line = 0;        // in the file
  std::string text;            // as it was understood, for a person

  static constexpr std::uint8_t kAnyQos = 0b111;

  // The lists of filters that are for an action. Receiving is for those of `subscribe`, too: whoever may subscribe
  // receives, and a wide subscription brings nothing that a narrow one would have been denied. A denied QoS of a
  // subscription says nothing about that.
  std::array<const std::vector<std::string>*, 2> filters(Action action) const;
};

struct AccessRuleFile {
  std::vector<AccessRule> rules;
  std::map<std::string, std::vector<std::string>> groups;  // name -> users
};

// True if `text` is what `pattern` says, '*' standing for any text. In time of the product of both lengths at worst.
bool glob_matches(std::string_view pattern, std::string_view text);

inline bool is_glob(std::string_view pattern) {
  return pattern.find('*') != std::string_view::npos;
}

}  // namespace martlet::auth
