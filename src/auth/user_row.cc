#include "auth/user_row.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "wire/text.h"

namespace martlet::auth {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

tl::unexpected<Error> no_array() {
  return fail("groups is no array of one dimension");
}

// Takes a quoted element, whose first quotation mark is gone, with its last one.
bool take_quoted(std::string_view& rest, std::string& out) {
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"') return true;
    if (c != '\\') {
      out += c;
    } else if (!rest.empty()) {
      out += rest.front();
      rest.remove_prefix(1);
    }
  }
  return false;
}

}  // namespace

Result<bool> parse_flag(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue{"1", "t", "true", "y", "yes", "on"};
  constexpr std::array<std::string_view, 7> kFalse{"0", "f", "false", "n", "no", "off", ""};
  const std::string known = lower(text);
  if (std::find(kTrue.begin(), kTrue.end(), known) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), known) != kFalse.end()) return false;
  return fail("is_superuser is neither true nor false");
}

std::vector<std::string> parse_comma_list(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (const std::string_view name = trimmed(text.substr(0, end)); !name.empty()) names.emplace_back(name);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

Result<std::vector<std::string>> parse_array(std::string_view text) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return no_array();
  std::string_view rest = text.substr(1, text.size() - 2);
  std::vector<std::string> names;
  while (!rest.empty()) {
    std::string name;
    const bool quoted = rest.front() == '"';
    if (quoted) {
      rest.remove_prefix(1);
      if (!take_quoted(rest, name)) return no_array();
    } else {
      name = rest.substr(0, rest.find(','));
      if (name.empty() || name.find_first_of("{}\"\\") != std::string::npos) return no_array();
      rest.remove_prefix(name.size());
    }
    if (quoted || lower(name) != "null") names.push_back(std::move(name));
    if (rest.empty()) break;
    if (rest.front() != ',' || rest.size() == 1) return no_array();
    rest.remove_prefix(1);
  }
  return names;
}

Opinion opinion_of(UserRow row, const Credentials& credentials, VerifyHash verify) {
  if (!row.password_hash || row.password_hash->empty()) return Opinion::refuse("the user has no password hash");
  if (!credentials.password) return Opinion::refuse("no password given");
  if (!verify(*row.password_hash, *credentials.password)) return Opinion::refuse("wrong password");
  Opinion opinion = Opinion::allow();
  auto grants = std::make_shared<ClientGrants>();
  grants->superuser = row.superuser;
  grants->groups = std::move(row.groups);
  std::erase_if(grants->groups, [](const std::string& name) { return name.empty() || !wire::valid_text(name); });
  opinion.grants = std::move(grants);
  return opinion;
}

}  // namespace martlet::auth
