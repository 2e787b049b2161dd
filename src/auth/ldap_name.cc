#include "auth/ldap_name.h"

#include <ldap.h>
#include <strings.h>

#include <algorithm>
#include <memory>

#include "auth/name_template.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

struct FreeDn {
  using pointer = LDAPDN;
  void operator()(LDAPDN dn) const { ldap_dnfree(dn); }
};
using Dn = std::unique_ptr<LDAPDN, FreeDn>;

Dn parse(const std::string& text) {
  LDAPDN dn = nullptr;
  return Dn(ldap_str2dn(text.c_str(), &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS ? dn : nullptr);
}

// Of lists that end with null.
template <typename List>
std::size_t size_of(List list) {
  std::size_t size = 0;
  while (list != nullptr && list[size] != nullptr) ++size;
  return size;
}

std::string_view text_of(const berval& value) {
  return {value.bv_val, value.bv_len};
}

// The value of the attribute in a part of the entry's name; nothing if it is not there, or no text.
std::optional<std::string_view> value_in(LDAPRDN part, const LDAPAVA& wanted) {
  const std::size_t size = size_of(part);
  for (std::size_t i = 0; i < size; ++i) {
    const LDAPAVA& one = *part[i];
    const std::string_view type = text_of(one.la_attr);
    // A name may have several spellings (uid, userid), but alone it can be no other.
    const bool fits = size == 1 || (type.size() == wanted.la_attr.bv_len &&
                                    strncasecmp(type.data(), wanted.la_attr.bv_val, type.size()) == 0);
    if (fits && (one.la_flags & LDAP_AVA_STRING) != 0) return text_of(one.la_value);
  }
  return std::nullopt;
}

}  // namespace

bool is_entry_name(const std::string& bind_dn) {
  return parse(bind_dn) != nullptr;
}

std::optional<std::string> name_of_entry(const std::string& bind_dn, std::string_view username,
                                         std::string_view client_id, const std::string& found) {
  const Dn asked = parse(bind_dn);
  const Dn entry = parse(found);
  if (!asked || !entry || size_of(asked.get()) != size_of(entry.get())) return std::nullopt;
  std::optional<std::string> name;
  for (std::size_t i = 0; asked.get()[i] != nullptr; ++i) {
    const LDAPRDN part = asked.get()[i];
    for (std::size_t j = 0; part[j] != nullptr; ++j) {
      const std::string_view pattern = text_of(part[j]->la_value);
      if (!has_placeholder(pattern, 'u')) continue;
      const auto value = value_in(entry.get()[i], *part[j]);
      if (!value) return std::nullopt;
      const bool alone = pattern == "%u";
      if (!alone && fill_template(pattern, username, client_id, unescaped) != *value) return std::nullopt;
      std::string here(alone ? *value : username);
      if (name && *name != here) return std::nullopt;
      name = std::move(here);
    }
  }
  if (!name || name->empty() || !wire::valid_text(*name)) return std::nullopt;
  return name;
}

bool is_plain_name(std::string_view username) {
  return std::all_of(username.begin(), username.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '@' || c == '-';
  });
}

}  // namespace martlet::auth
