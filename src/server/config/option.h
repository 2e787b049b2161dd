// One row of a table of options: its name, what values it takes, and where they go. Parsing, checking, error texts,
// explanations and documentation all read these rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace martlet::server {

enum class OptionKind : std::uint8_t {
  boolean,
  integer,
  bytes,        // "64 KiB", or a plain number of bytes
  duration_ms,  // "30s"; kept in milliseconds
  duration_s,   // kept in seconds
  mode,         // a file's permissions as "0660"; kept as the number
  choice,       // one of several words, kept as its index
  text,
  list,  // of texts
};

// What a text (or each of a list) is.
enum class TextForm : std::uint8_t {
  plain,
  path,         // of a file or directory; relative ones are taken from the configuration file's directory
  path_or_url,  // either; what has "://" is a URL
  url,          // may hold a password
};

// A value as it was written. A value from the command line or the environment has no type: it is taken as the option
// wants it, a list with commas between its texts.
struct WrittenValue {
  enum class Type : std::uint8_t { untyped, boolean, integer, string, list, other };
  Type type = Type::untyped;
  std::string text;                     // `other` and `list`: what it is, such as "an array"
  std::vector<std::string> items = {};  // of a list
};

struct OptionFacts {
  std::string_view name;
  OptionKind kind = OptionKind::text;
  std::string_view description = {};                     // one sentence or more
  std::int64_t min = 0;                                  // of a number, in the unit that is kept
  std::int64_t max = 0;                                  //
  std::optional<std::int64_t> off = std::nullopt;        // a duration: what "never" stands for
  std::span<const std::string_view> choices = {};        // of a choice, or of each text of a list
  std::string_view example = {};                         // as the file has it, with quotes; empty: the default serves
  std::span<const std::string_view> kind_examples = {};  // by the table's kind, where they differ; empty: `example`
  TextForm form = TextForm::plain;
  bool live = false;         // a reload changes it; else only a restart does
  std::uint32_t kinds = 0;   // of a table with a `kind`: those (a bit each, by number) that it belongs to; 0: all
  std::uint32_t needed = 0;  // those of which a table must have it
};

// Of an option for a table of that kind.
inline std::string_view example_for(const OptionFacts& facts, std::size_t kind) {
  return kind < facts.kind_examples.size() && !facts.kind_examples[kind].empty() ? facts.kind_examples[kind]
                                                                                 : facts.example;
}

// The number that `value` gives an option of any kind but text and list. The error says what is permitted, without the
// name.
Result<std::int64_t> read_number(const OptionFacts& facts, const WrittenValue& value);
// The texts that `value` gives a list.
Result<std::vector<std::string>> read_list(const OptionFacts& facts, const WrittenValue& value);
// The inverse of read_number, as it would be written in the configuration file, without quotes.
std::string number_text(const OptionFacts& facts, std::int64_t number);
// As read_list() takes it without a type: "a, b".
std::string list_text(const std::vector<std::string>& list);
// What may be written, for people: `1 KiB to 64 KiB`.
std::string permitted_values(const OptionFacts& facts);
// Whether values of the option are shown with their passwords left out (masked_url).
bool may_hold_secret(const OptionFacts& facts);
// `text` with what stands between "://" or ":" and "@" of a URL left out: "redis://user:***@host".
std::string masked_url(std::string_view text);

// An option of `Config`.
template <class Config>
struct Option {
  OptionFacts facts;
  // Not for texts and lists; none: nobody has set what has no default.
  std::optional<std::int64_t> (*get)(const Config&) = nullptr;
  void (*set)(Config&, std::int64_t) = nullptr;
  // Text only:
  std::string& (*text)(Config&) = nullptr;
  // List only:
  std::vector<std::string>& (*list)(Config&) = nullptr;

  // Writes `value` to its field; the error says what is permitted, without the name.
  Result<void> apply(Config& config, const WrittenValue& value) const {
    if (facts.kind == OptionKind::text) {
      if (value.type != WrittenValue::Type::untyped && value.type != WrittenValue::Type::string) {
        return fail("it must be a text in quotes");
      }
      text(config) = value.text;
      return {};
    }
    if (facts.kind == OptionKind::list) {
      auto texts = read_list(facts, value);
      if (!texts) return tl::unexpected(texts.error());
      list(config) = std::move(*texts);
      return {};
    }
    const auto number = read_number(facts, value);
    if (!number) return tl::unexpected(number.error());
    set(config, *number);
    return {};
  }

  // The value that `config` has, as it would be written, without quotes; empty: unset.
  std::string value_text(const Config& config) const {
    if (facts.kind == OptionKind::text || facts.kind == OptionKind::list) {
      // The field is reached through a function that gives write access: nothing is written.
      Config& open = const_cast<Config&>(config);
      return facts.kind == OptionKind::text ? text(open) : list_text(list(open));
    }
    const auto number = get(config);
    return number ? number_text(facts, *number) : std::string();
  }
};

template <class Value>
struct OptionalValue {
  using Type = Value;
};
template <class Value>
struct OptionalValue<std::optional<Value>> {
  using Type = Value;
};

// A row for the field that `Field`, a captureless lambda, returns of a config by reference.
template <class Config, class Field>
constexpr Option<Config> make_option(const OptionFacts& facts) {
  using Value = std::remove_reference_t<std::invoke_result_t<Field, Config&>>;
  if constexpr (std::is_same_v<Value, std::string>) {
    return {facts, nullptr, nullptr, [](Config& config) -> std::string& { return Field{}(config); }, nullptr};
  } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
    return {facts, nullptr, nullptr, nullptr,
            [](Config& config) -> std::vector<std::string>& { return Field{}(config); }};
  } else {
    using Plain = typename OptionalValue<Value>::Type;
    return {facts,
            [](const Config& config) -> std::optional<std::int64_t> {
              const auto& field = Field{}(config);
              if constexpr (std::is_same_v<Plain, Value>) {
                return static_cast<std::int64_t>(field);
              } else {
                return field ? std::optional(static_cast<std::int64_t>(*field)) : std::nullopt;
              }
            },
            [](Config& config, std::int64_t number) { Field{}(config) = static_cast<Plain>(number); }, nullptr,
            nullptr};
  }
}

}  // namespace martlet::server
