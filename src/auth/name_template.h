// Names that are made for each client: a Redis key, an LDAP distinguished name. Pure.
#pragma once

#include <string>
#include <string_view>

namespace martlet::auth {

// How what is put in for a placeholder is written.
using Escape = std::string (*)(std::string_view);

// `text` with %u replaced by the user name, %c by the client identifier and %% by %; any other % stands for itself.
std::string fill_template(std::string_view text, std::string_view username, std::string_view client_id, Escape escape);

// Whether `text` has the placeholder %`letter`.
bool has_placeholder(std::string_view text, char letter);

// As it is: for where nothing in it can have a meaning.
std::string unescaped(std::string_view text);

// As the value in a distinguished name: whatever is in it, it stays one value [RFC 4514, 2.4].
std::string escape_dn(std::string_view text);

// As the value in a search filter [RFC 4515, 3].
std::string escape_filter(std::string_view text);

}  // namespace martlet::auth
