// By which name a client that an LDAP server took is known. A directory takes `Ann`, `ann ` and `a\u00ADnn` for one,
// MQTT's rules and sessions do not: so one user must have one name. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace martlet::auth {

// Whether `bind_dn` is a distinguished name, as that of an entry that can be read; another one is a name that the
// server alone understands, as "%u@example.org".
bool is_entry_name(const std::string& bind_dn);

// The user of the entry `found`, which `bind_dn` led to with this user name: as the entry's own name has it where %u
// stands alone, as `uid=%u`; else as it came, if the entry's name has it so too. Nothing: it must not get in by that
// name. Both are distinguished names as strings [RFC 4514].
std::optional<std::string> name_of_entry(const std::string& bind_dn, std::string_view username,
                                         std::string_view client_id, const std::string& found);

// Lower case letters, digits and ._@- of ASCII: no two such names are one for a directory.
bool is_plain_name(std::string_view username);

}  // namespace martlet::auth
