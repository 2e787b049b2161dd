// One row of a table of options: its name, what values it takes, and where they go. Parsing, checking, error texts and
// documentation all read these rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace martlet::server {

enum class OptionKind : std::uint8_t {
  boolean,
  integer,
  bytes,        // "64 KiB", or a plain number of bytes
  duration_ms,  // "30s"; kept in milliseconds
  duration_s,   // kept in seconds
  choice,       // one of several words, kept as its index
  text,
};

// A value as it was written. A value from the command line has no type: it is taken as the option wants it.
struct WrittenValue {
  enum class Type : std::uint8_t { untyped, boolean, integer, string, other };
  Type type = Type::untyped;
  std::string text;  // `other`: what it is, such as "an array"
};

struct OptionFacts {
  std::string_view name;
  OptionKind kind = OptionKind::text;
  std::string_view description;                    // one sentence
  std::int64_t min = 0;                            // of a number, in the unit that is kept
  std::int64_t max = 0;                            //
  std::optional<std::int64_t> off = std::nullopt;  // a duration: what "never" stands for
  std::span<const std::string_view> choices = {};
};

// The number that `value` gives an option of any kind but text. The error says what is permitted, without the name.
Result<std::int64_t> read_number(const OptionFacts& facts, const WrittenValue& value);
// The inverse, as it would be written in the configuration file, without quotes.
std::string number_text(const OptionFacts& facts, std::int64_t number);
// What may be written, for people: `1 KiB to 64 KiB`.
std::string permitted_values(const OptionFacts& facts);

// An option of `Config`.
template <class Config>
struct Option {
  OptionFacts facts;
  // Not for text:
  std::int64_t (*get)(const Config&) = nullptr;
  void (*set)(Config&, std::int64_t) = nullptr;
  // Text only:
  std::string& (*text)(Config&) = nullptr;

  // Writes `value` to its field; the error says what is permitted, without the name.
  Result<void> apply(Config& config, const WrittenValue& value) const {
    if (facts.kind == OptionKind::text) {
      if (value.type != WrittenValue::Type::untyped && value.type != WrittenValue::Type::string) {
        return fail("it must be a text in quotes");
      }
      text(config) = value.text;
      return {};
    }
    const auto number = read_number(facts, value);
    if (!number) return tl::unexpected(number.error());
    set(config, *number);
    return {};
  }

  // The value that `config` has, as it would be written, without quotes.
  std::string value_text(const Config& config) const {
    Config copy = config;
    return facts.kind == OptionKind::text ? text(copy) : number_text(facts, get(config));
  }
};

// A row for the field that `Field`, a captureless lambda, returns of a config by reference.
template <class Config, class Field>
constexpr Option<Config> make_option(const OptionFacts& facts) {
  using Value = std::remove_reference_t<std::invoke_result_t<Field, Config&>>;
  if constexpr (std::is_same_v<Value, std::string>) {
    return {facts, nullptr, nullptr, [](Config& config) -> std::string& { return Field{}(config); }};
  } else {
    return {facts, [](const Config& config) { return static_cast<std::int64_t>(Field{}(config)); },
            [](Config& config, std::int64_t number) { Field{}(config) = static_cast<Value>(number); }, nullptr};
  }
}

}  // namespace martlet::server
