// The names of a run's topics: PREFIX/NUMBER.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::tools::bench {

// Digits of padded numbers: they are written over in a packet that is there already.
inline constexpr std::size_t kTopicDigits = 7;
inline constexpr std::uint32_t kMostPaddedTopics = 10'000'000;

// `padded` numbers have kTopicDigits digits and are below kMostPaddedTopics.
std::string topic_name(std::string_view prefix, std::uint64_t number, bool padded);
// The number of a topic that topic_name() made; nothing if it made none like it.
std::optional<std::uint64_t> topic_number(std::string_view topic, std::string_view prefix, bool padded);

// Writes `number` as kTopicDigits digits to `at`.
inline void write_topic_digits(std::uint8_t* at, std::uint64_t number) {
  for (std::size_t i = kTopicDigits; i-- > 0; number /= 10) at[i] = static_cast<std::uint8_t>('0' + number % 10);
}

}  // namespace martlet::tools::bench
