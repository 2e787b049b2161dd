#include "auth/password_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "auth/password_file.h"
#include "auth/password_hash.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

constexpr std::array<std::string_view, 4> kHashBeginnings = {"$6$", "$7$", "$argon2", "SCRAM-SHA-256$"};

// Calls `take` with each line, its line break included.
template <class Take>
void for_each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    take(text.substr(0, size));
    text.remove_prefix(size);
  }
}

void append_user(std::string& to, std::string_view user, const std::vector<std::string>& hashes) {
  for (const std::string& hash : hashes) to += fmt::format("{}:{}\n", user, hash);
}

bool looks_like_hash(std::string_view text) {
  return std::any_of(kHashBeginnings.begin(), kHashBeginnings.end(),
                     [&](std::string_view beginning) { return text.starts_with(beginning); });
}

bool is_blank(char letter) {
  return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

}  // namespace

Result<void> check_user_name(std::string_view user) {
  if (user.empty()) return fail("the user name is empty");
  if (user.size() > kMaxUserNameBytes) return fail("the user name is longer than 65535 bytes");
  if (!wire::valid_text(user)) return fail("the user name is not UTF-8");
  if (user.find(':') != std::string_view::npos) return fail("a user name cannot have a colon in a password file");
  if (user.front() == '#') return fail("a line that begins with '#' is a comment: no user name can begin with it");
  if (is_blank(user.front()) || is_blank(user.back())) return fail("blanks around a user name are not kept");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(user.begin(), user.end(), is_control)) return fail("the user name has a control character");
  return {};
}

std::vector<std::string> users_of(std::string_view text) {
  std::vector<std::string> users;
  std::unordered_set<std::string_view> seen;
  for_each_line(text, [&](std::string_view line) {
    const auto fields = split_password_line(line);
    if (fields && !fields->user.empty() && seen.insert(fields->user).second) users.emplace_back(fields->user);
  });
  return users;
}

bool has_scram_keys(std::string_view text, std::string_view user) {
  bool found = false;
  for_each_line(text, [&](std::string_view line) {
    const auto fields = split_password_line(line);
    found = found || (fields && fields->user == user && fields->hash.starts_with("SCRAM-"));
  });
  return found;
}

std::string with_user(std::string_view text, std::string_view user, const std::vector<std::string>& hashes) {
  std::string changed;
  bool written = false;
  for_each_line(text, [&](std::string_view line) {
    const auto fields = split_password_line(line);
    if (!fields || fields->user != user) {
      changed += line;
    } else if (!std::exchange(written, true)) {
      append_user(changed, user, hashes);
    }
  });
  if (!changed.empty() && !changed.ends_with('\n')) changed += '\n';
  if (!written) append_user(changed, user, hashes);
  return changed;
}

std::string without_user(std::string_view text, std::string_view user) {
  std::string changed;
  for_each_line(text, [&](std::string_view line) {
    const auto fields = split_password_line(line);
    if (!fields || fields->user != user) changed += line;
  });
  return changed;
}

Result<Converted> convert_plain_texts(std::string_view text, const HashMaker& make) {
  Converted converted;
  Result<void> problem;
  std::size_t number = 0;
  for_each_line(text, [&](std::string_view line) {
    ++number;
    if (!problem) return;
    const auto fields = split_password_line(line);
    if (!fields || parse_password_hash(fields->hash)) {
      converted.text += line;
      return;
    }
    std::string_view password = line.substr(line.find(':') + 1);
    while (!password.empty() && is_blank(password.front())) password.remove_prefix(1);
    while (!password.empty() && is_blank(password.back())) password.remove_suffix(1);
    Result<std::string> hash = fail("there is no password");
    if (looks_like_hash(password)) {
      hash = fail(parse_password_hash(fields->hash).error().message);
    } else if (!password.empty()) {
      hash = make(password);
    }
    if (!hash) {
      problem = fail(fmt::format("{}: {}", number, hash.error().message));
      return;
    }
    converted.text += fmt::format("{}:{}\n", fields->user, *hash);
    ++converted.passwords;
  });
  if (!problem) return tl::unexpected(problem.error());
  return converted;
}

}  // namespace martlet::auth
