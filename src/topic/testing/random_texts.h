// Random topic names and filters over a small alphabet.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <vector>

namespace martlet::topic {

inline std::string join_levels(const std::vector<std::string>& levels) {
  std::string text;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (i > 0) text += '/';
    text += levels[i];
  }
  return text;
}

// A legal topic name of one to four levels, with empty levels and leading '$'.
inline rc::Gen<std::string> any_topic() {
  const auto level = rc::gen::element<std::string>("", "a", "b", "ab", "$", "$a", "%", "!");
  return rc::gen::suchThat(rc::gen::map(rc::gen::resize(4, rc::gen::container<std::vector<std::string>>(level)),
                                        [](const std::vector<std::string>& levels) { return join_levels(levels); }),
                           [](const std::string& text) { return !text.empty(); });
}

// A legal topic filter of one to five levels.
inline rc::Gen<std::string> any_filter() {
  const auto level = rc::gen::element<std::string>("", "a", "b", "ab", "$", "$a", "+", "+");
  const auto levels = rc::gen::resize(4, rc::gen::container<std::vector<std::string>>(level));
  return rc::gen::suchThat(rc::gen::map(rc::gen::pair(levels, rc::gen::arbitrary<bool>()),
                                        [](std::pair<std::vector<std::string>, bool> parts) {
                                          if (parts.second) parts.first.push_back("#");
                                          return join_levels(parts.first);
                                        }),
                           [](const std::string& text) { return !text.empty(); });
}

}  // namespace martlet::topic
