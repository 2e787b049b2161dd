// What the tables of options are written with: units, and a function for each kind of row.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "broker/options.h"
#include "server/config/option.h"

namespace martlet::server {

inline constexpr std::int64_t kSecondMs = 1'000;
inline constexpr std::int64_t kHourMs = 3'600'000;
inline constexpr std::int64_t kDayMs = 86'400'000;
inline constexpr std::int64_t kDayS = 86'400;
inline constexpr std::int64_t kKiB = 1024;
inline constexpr std::int64_t kGiB = kKiB * kKiB * kKiB;
inline constexpr std::int64_t kTiB = kKiB * kGiB;
inline constexpr std::int64_t kSmallestPacketBytes = 20;              // as Mosquitto's
inline constexpr std::int64_t kLargestPacketBytes = 268'435'455 + 5;  // remaining length and the fixed header [2.1.4]
inline constexpr std::int64_t kMost = 4'294'967'295;                  // of what is kept in 32 bits
inline constexpr std::int64_t kExpiryMaxS = broker::kExpiryNever - 1;

// What an option takes, without where it goes.
constexpr OptionFacts toggle(std::string_view name, std::string_view description) {
  return {.name = name, .kind = OptionKind::boolean, .description = description, .min = 0, .max = 1};
}

constexpr OptionFacts integer(std::string_view name, std::int64_t min, std::int64_t max, std::string_view description) {
  return {.name = name, .kind = OptionKind::integer, .description = description, .min = min, .max = max};
}

constexpr OptionFacts bytes(std::string_view name, std::int64_t min, std::int64_t max, std::string_view description) {
  return {.name = name, .kind = OptionKind::bytes, .description = description, .min = min, .max = max};
}

constexpr OptionFacts milliseconds(std::string_view name, std::int64_t min, std::int64_t max,
                                   std::string_view description) {
  return {.name = name, .kind = OptionKind::duration_ms, .description = description, .min = min, .max = max};
}

// `off`: the number that "never" stands for.
constexpr OptionFacts seconds(std::string_view name, std::int64_t min, std::int64_t max, std::int64_t off,
                              std::string_view description) {
  return {.name = name, .kind = OptionKind::duration_s, .description = description, .min = min, .max = max, .off = off};
}

constexpr OptionFacts seconds(std::string_view name, std::int64_t min, std::int64_t max, std::string_view description) {
  return {.name = name, .kind = OptionKind::duration_s, .description = description, .min = min, .max = max};
}

constexpr OptionFacts choice(std::string_view name, std::span<const std::string_view> choices,
                             std::string_view description) {
  return {.name = name,
          .kind = OptionKind::choice,
          .description = description,
          .min = 0,
          .max = static_cast<std::int64_t>(choices.size()) - 1,
          .choices = choices};
}

constexpr OptionFacts text(std::string_view name, std::string_view example, std::string_view description) {
  return {.name = name, .description = description, .example = example};
}

constexpr OptionFacts path(std::string_view name, std::string_view example, std::string_view description) {
  return {.name = name, .description = description, .example = example, .form = TextForm::path};
}

constexpr OptionFacts url(std::string_view name, std::string_view example, std::string_view description) {
  return {.name = name, .description = description, .example = example, .form = TextForm::url};
}

constexpr OptionFacts list(std::string_view name, std::string_view example, std::string_view description,
                           std::span<const std::string_view> choices = {}) {
  return {.name = name, .kind = OptionKind::list, .description = description, .choices = choices, .example = example};
}

// A reload changes it.
constexpr OptionFacts live(OptionFacts facts) {
  facts.live = true;
  return facts;
}

// It belongs to tables of these kinds only; a table of one of `needed` must have it.
template <class Kind>
constexpr OptionFacts only_for(std::initializer_list<Kind> kinds, OptionFacts facts) {
  for (const Kind kind : kinds) facts.kinds |= std::uint32_t{1} << static_cast<unsigned>(kind);
  return facts;
}
template <class Kind>
constexpr OptionFacts needed_for(std::initializer_list<Kind> kinds, OptionFacts facts) {
  for (const Kind kind : kinds) facts.needed |= std::uint32_t{1} << static_cast<unsigned>(kind);
  facts.kinds |= facts.needed;
  return facts;
}

}  // namespace martlet::server
