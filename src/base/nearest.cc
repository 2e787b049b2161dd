#include "base/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace martlet {
namespace {

// Nobody types longer names by mistake, and the comparison is quadratic.
constexpr std::size_t kLongestName = 128;

struct Distances {
  std::size_t whole;   // edits from the text to the whole name
  std::size_t prefix;  // edits from the text to that beginning of the name that is nearest to it
};

Distances distances(std::string_view text, std::string_view name) {
  std::vector<std::size_t> before(name.size() + 1);
  std::vector<std::size_t> above(name.size() + 1);
  std::vector<std::size_t> row(name.size() + 1);
  for (std::size_t j = 0; j <= name.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= text.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= name.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (text[i - 1] == name[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && text[i - 1] == name[j - 2] && text[i - 2] == name[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return {row.back(), *std::min_element(row.begin(), row.end())};
}

}  // namespace

std::string_view nearest_name(std::string_view given, std::span<const std::string_view> names) {
  if (given.size() > kLongestName) return {};
  // About a third of a short name's letters, a quarter of a long one's: nothing at all is like a single letter.
  const std::size_t most = std::min((given.size() + 1) / 3, std::max<std::size_t>(2, given.size() / 4));
  std::string_view nearest;
  std::size_t best = most + 1;
  for (const std::string_view name : names) {
    const Distances edits = distances(given, name);
    // A beginning is weaker evidence than a whole name, and none at all if it is short.
    const std::size_t score = given.size() < 3 ? edits.whole : std::min(edits.whole, edits.prefix + 1);
    if (score < best) {
      best = score;
      nearest = name;
    }
  }
  return nearest;
}

std::string suggestion(std::string_view given, std::span<const std::string_view> names) {
  const std::string_view nearest = nearest_name(given, names);
  return nearest.empty() ? std::string() : fmt::format(": did you mean \"{}\"?", nearest);
}

}  // namespace martlet
