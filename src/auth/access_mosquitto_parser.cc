#include "auth/access_mosquitto_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "auth/access_rules_parser.h"
#include "base/nearest.h"
#include "base/printable.h"
#include "topic/filter.h"

namespace martlet::auth {
namespace {

constexpr std::string_view kKeywords[] = {"topic", "pattern", "user"};
constexpr std::string_view kAccessWords[] = {"read", "write", "readwrite", "deny"};
// What C's isspace() takes for a blank.
constexpr std::string_view kBlanks = " \t\n\v\f\r";

std::string_view without_blanks_behind(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kBlanks);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::string_view trimmed(std::string_view text) {
  text = without_blanks_behind(text);
  const std::size_t first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// Takes the next word, which ends at a space and at nothing else, and that space.
std::string_view next_word(std::string_view& rest) {
  const std::size_t first = rest.find_first_not_of(' ');
  if (first == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(first);
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

class Parser {
 public:
  MosquittoAcl acl;

  // What is wrong with the line; empty if nothing.
  std::string take(std::string_view line, std::size_t number) {
    if (line.find('\0') != std::string_view::npos) return "the line has a null character";
    line = without_blanks_behind(line);
    if (line.starts_with('#')) return {};
    const std::string_view keyword = next_word(line);
    if (keyword.empty()) return {};
    if (keyword == "user") return take_user(line);
    if (keyword == "topic" || keyword == "pattern") return take_rule(keyword, line, number);
    return fmt::format("unknown word \"{}\"{}", printable(keyword), suggestion(keyword, kKeywords));
  }

 private:
  std::string take_user(std::string_view rest) {
    const std::string_view name = trimmed(rest);
    if (name.empty()) return "user without a name";
    list_ = &acl.users[std::string(name)];
    return {};
  }

  std::string take_rule(std::string_view keyword, std::string_view rest, std::size_t number) {
    const std::string_view access = next_word(rest);
    if (access.empty()) return fmt::format("{} without a topic filter", keyword);
    MosquittoAcl::Rule rule;
    rule.line = number;
    if (rest.empty()) {
      // One word alone is the filter, whatever it says.
      rule.read = rule.write = true;
      rule.filter = access;
    } else {
      if (std::ranges::find(kAccessWords, access) == std::end(kAccessWords)) {
        return fmt::format(
            "unknown access \"{}\": it is read, write, readwrite or deny, and a filter with spaces needs "
            "one of them before it{}",
            printable(access), suggestion(access, kAccessWords));
      }
      rule.read = access.starts_with("read");
      rule.write = access.ends_with("write");
      rule.filter = trimmed(rest);
    }
    const topic::Validity validity = topic::check_filter(rule.filter);
    if (validity != topic::Validity::ok) {
      return fmt::format("bad topic filter \"{}\": {}", printable(rule.filter), to_text(validity));
    }
    if (++rules_ > kMaxAccessRules) return fmt::format("more than {} rules", kMaxAccessRules);
    (keyword == "pattern" ? acl.patterns : *list_).push_back(std::move(rule));
    return {};
  }

  std::vector<MosquittoAcl::Rule>* list_ = &acl.anonymous;
  std::size_t rules_ = 0;
};

}  // namespace

Result<MosquittoAcl> parse_mosquitto_acl(std::string_view text, std::string_view file_name) {
  Parser parser;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string wrong = parser.take(text.substr(0, end), number);
    if (!wrong.empty()) return fail(fmt::format("{}:{}: {}", file_name, number, wrong));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(parser.acl);
}

}  // namespace martlet::auth
