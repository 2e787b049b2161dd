#include "server/config/option.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <limits>

#include "base/nearest.h"

namespace martlet::server {
namespace {

using Type = WrittenValue::Type;

struct Unit {
  std::string_view name;
  std::int64_t size;
};
// Largest first; the last one is what a plain number counts.
constexpr std::array<Unit, 4> kBytes = {{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};
constexpr std::array<Unit, 5> kMilliseconds = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSeconds = {{{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}}};

std::span<const Unit> units_of(OptionKind kind) {
  switch (kind) {
    case OptionKind::bytes:
      return kBytes;
    case OptionKind::duration_ms:
      return kMilliseconds;
    case OptionKind::duration_s:
      return kSeconds;
    default:
      return {};
  }
}

bool is_duration(OptionKind kind) {
  return kind == OptionKind::duration_ms || kind == OptionKind::duration_s;
}

// A number of units in the largest unit that leaves no rest.
std::string in_units(std::span<const Unit> units, std::int64_t number, std::string_view space) {
  if (number == 0) return fmt::format("0{}{}", space, units.back().name);
  for (const Unit& unit : units) {
    if (number % unit.size == 0) return fmt::format("{}{}{}", number / unit.size, space, unit.name);
  }
  return {};
}

Result<std::int64_t> out_of_range(const OptionFacts& facts) {
  return fail(fmt::format("it must be {}", permitted_values(facts)));
}

Result<std::int64_t> checked(const OptionFacts& facts, std::int64_t number) {
  if (facts.off && number == *facts.off) return number;
  if (number < facts.min || number > facts.max) return out_of_range(facts);
  return number;
}

// Digits and what follows them. An Error if there are none, or too many.
struct Leading {
  std::int64_t number = 0;
  std::string_view rest;
};
Result<Leading> leading_number(const OptionFacts& facts, std::string_view text) {
  Leading leading;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), leading.number);
  if (code == std::errc::result_out_of_range) return fail(out_of_range(facts).error().message);
  if (code != std::errc()) {
    return fail(fmt::format("\"{}\" is not a number; it must be {}", text, permitted_values(facts)));
  }
  leading.rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return leading;
}

Result<std::int64_t> read_integer(const OptionFacts& facts, const WrittenValue& value) {
  if (value.type == Type::string)
    return fail(fmt::format("write it without quotes; {}", out_of_range(facts).error().message));
  if (value.type != Type::untyped && value.type != Type::integer) return out_of_range(facts);
  const auto leading = leading_number(facts, value.text);
  if (!leading) return tl::unexpected(leading.error());
  if (!leading->rest.empty()) {
    return fail(fmt::format("\"{}\" is not a number; it must be {}", value.text, permitted_values(facts)));
  }
  return checked(facts, leading->number);
}

Result<std::int64_t> read_with_unit(const OptionFacts& facts, const WrittenValue& value) {
  if (value.type == Type::boolean || value.type == Type::other || value.type == Type::list) {
    return out_of_range(facts);
  }
  if (facts.off && value.text == "never") return *facts.off;
  const auto leading = leading_number(facts, value.text);
  if (!leading) return tl::unexpected(leading.error());
  std::string_view name = leading->rest;
  while (name.starts_with(' ')) name.remove_prefix(1);

  const std::span<const Unit> units = units_of(facts.kind);
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& each) { return each.name == name; });
  std::int64_t size = 1;
  if (unit != units.end()) {
    size = unit->size;
  } else if (!name.empty()) {
    return fail(fmt::format("\"{}\" is not a unit that it takes; it must be {}", name, permitted_values(facts)));
  } else if (is_duration(facts.kind) && leading->number != 0) {
    return fail(fmt::format("{} of what? It must be {}", value.text, permitted_values(facts)));
  }
  if (leading->number < 0 || leading->number > std::numeric_limits<std::int64_t>::max() / size) {
    return out_of_range(facts);
  }
  return checked(facts, leading->number * size);
}

Result<std::int64_t> read_boolean(const OptionFacts& facts, const WrittenValue& value) {
  if (value.type == Type::string && (value.text == "true" || value.text == "false")) {
    return fail(fmt::format("write it without quotes; {}", out_of_range(facts).error().message));
  }
  if (value.type == Type::boolean || value.type == Type::untyped) {
    if (value.text == "true") return 1;
    if (value.text == "false") return 0;
  }
  return out_of_range(facts);
}

// Octal digits, as chmod takes them; a TOML number may have been written as 0o660.
Result<std::int64_t> read_mode(const OptionFacts& facts, const WrittenValue& value) {
  std::int64_t number = 0;
  const int base = value.type == Type::integer ? 10 : 8;
  const char* end = value.text.data() + value.text.size();
  if (value.type == Type::boolean || value.type == Type::other || value.type == Type::list) return out_of_range(facts);
  const auto [stop, code] = std::from_chars(value.text.data(), end, number, base);
  if (code != std::errc() || stop != end) return out_of_range(facts);
  return checked(facts, number);
}

Result<std::int64_t> read_choice(const OptionFacts& facts, const WrittenValue& value) {
  if (value.type != Type::other && value.type != Type::list) {
    const auto found = std::find(facts.choices.begin(), facts.choices.end(), value.text);
    if (found != facts.choices.end()) return found - facts.choices.begin();
  }
  return fail(fmt::format("it must be {}{}", permitted_values(facts), suggestion(value.text, facts.choices)));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> items;
  if (trimmed(text).empty()) return items;
  for (;;) {
    const std::size_t comma = text.find(',');
    items.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

// A query: whether one of its parameters sounds like a secret.
bool may_name_secret(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::string_view kWords[] = {"pass", "pwd", "secret", "token", "key", "auth", "sig", "credential"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

}  // namespace

Result<std::vector<std::string>> read_list(const OptionFacts& facts, const WrittenValue& value) {
  if (value.type != Type::list && value.type != Type::untyped) {
    return fail(fmt::format("it must be {}", permitted_values(facts)));
  }
  std::vector<std::string> items = value.type == Type::list ? value.items : split_at_commas(value.text);
  for (const std::string& item : items) {
    const bool known = std::find(facts.choices.begin(), facts.choices.end(), item) != facts.choices.end();
    if (known || facts.choices.empty()) continue;
    return fail(
        fmt::format("\"{}\" is none of {}{}", item, fmt::join(facts.choices, ", "), suggestion(item, facts.choices)));
  }
  return items;
}

std::string list_text(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

bool may_hold_secret(const OptionFacts& facts) {
  return facts.form == TextForm::url || facts.form == TextForm::path_or_url;
}

std::string masked_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::string(text);
  const std::size_t begin = scheme + 3;
  std::string_view authority = text.substr(begin);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  // A password may hold what ends an authority if it was not escaped: the last "@" of all counts then.
  std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) at = text.substr(begin).rfind('@');
  std::string shown(text);
  if (at != std::string_view::npos) {
    const std::size_t colon = text.substr(begin, at).find(':');
    const std::size_t from = colon == std::string_view::npos ? begin : begin + colon + 1;
    shown = fmt::format("{}***{}", text.substr(0, from), text.substr(begin + at));
  }
  const std::size_t query = shown.find('?');
  // Parameters are shown only where none may be a secret: "sslmode=require", but not "token=...".
  if (query != std::string::npos && may_name_secret(shown.substr(query))) shown = shown.substr(0, query) + "?***";
  return shown;
}

Result<std::int64_t> read_number(const OptionFacts& facts, const WrittenValue& value) {
  switch (facts.kind) {
    case OptionKind::boolean:
      return read_boolean(facts, value);
    case OptionKind::integer:
      return read_integer(facts, value);
    case OptionKind::bytes:
    case OptionKind::duration_ms:
    case OptionKind::duration_s:
      return read_with_unit(facts, value);
    case OptionKind::mode:
      return read_mode(facts, value);
    case OptionKind::choice:
      return read_choice(facts, value);
    case OptionKind::text:
    case OptionKind::list:
      break;
  }
  return fail("it takes no number");
}

std::string number_text(const OptionFacts& facts, std::int64_t number) {
  switch (facts.kind) {
    case OptionKind::boolean:
      return number != 0 ? "true" : "false";
    case OptionKind::bytes:
      return in_units(kBytes, number, " ");
    case OptionKind::duration_ms:
    case OptionKind::duration_s:
      if (facts.off && number == *facts.off) return "never";
      return in_units(units_of(facts.kind), number, "");
    case OptionKind::mode:
      return fmt::format("{:04o}", number);
    case OptionKind::choice:
      return std::string(facts.choices[static_cast<std::size_t>(number)]);
    case OptionKind::integer:
    case OptionKind::text:
    case OptionKind::list:
      break;
  }
  return fmt::format("{}", number);
}

std::string permitted_values(const OptionFacts& facts) {
  switch (facts.kind) {
    case OptionKind::boolean:
      return "true or false";
    case OptionKind::integer:
      return fmt::format("{} to {}", facts.min, facts.max);
    case OptionKind::bytes:
      return fmt::format("{} to {}, in bytes, KiB, MiB or GiB", number_text(facts, facts.min),
                         number_text(facts, facts.max));
    case OptionKind::duration_ms:
    case OptionKind::duration_s:
      return fmt::format("{} to {}{}, in {}s, m, h or d", in_units(units_of(facts.kind), facts.min, ""),
                         in_units(units_of(facts.kind), facts.max, ""), facts.off ? ", or never" : "",
                         facts.kind == OptionKind::duration_ms ? "ms, " : "");
    case OptionKind::mode:
      return fmt::format("{:04o} to {:04o}, in quotes", facts.min, facts.max);
    case OptionKind::choice:
      return fmt::format("one of {}", fmt::join(facts.choices, ", "));
    case OptionKind::list:
      if (facts.choices.empty()) return "a list of texts, as [\"a\", \"b\"]";
      return fmt::format("a list of {}", fmt::join(facts.choices, ", "));
    case OptionKind::text:
      break;
  }
  switch (facts.form) {
    case TextForm::path:
      return "a path";
    case TextForm::url:
      return "a URL";
    case TextForm::path_or_url:
      return "a path or a URL";
    case TextForm::plain:
      break;
  }
  return "a text";
}

}  // namespace martlet::server
