#include "topic/level_walk.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "topic/levels.h"

namespace martlet::topic {
namespace {

RC_GTEST_PROP(LevelWalk, GoesDownAndUpLikeTheListOfLevels, (std::uint64_t seed)) {
  std::string text;
  const int longest = *rc::gen::element(6, 700);
  for (int i = *rc::gen::inRange(0, longest); i > 0; --i) text += *rc::gen::element<std::string>("", "/", "a", "bc/");
  std::vector<std::string_view> levels;
  for (const std::string_view level : Levels(text)) levels.push_back(level);

  LevelWalk walk(text, seed);
  std::size_t at = 0;
  const auto check_here = [&] {
    RC_ASSERT(walk.exhausted() == (at == levels.size()));
    if (walk.exhausted()) return;
    RC_ASSERT(walk.level() == levels[at]);
    RC_ASSERT(walk.begin() == static_cast<std::size_t>(levels[at].data() - text.data()));
    RC_ASSERT(walk.hash() == hash_bytes(levels[at], seed));
  };
  check_here();
  for (int turn = 0; turn < 6; ++turn) {
    const bool down = turn % 2 == 0;
    for (auto steps = *rc::gen::inRange<std::size_t>(0, levels.size() + 1); steps > 0; --steps) {
      if (down ? walk.exhausted() : at == 0) break;
      down ? walk.down() : walk.up();
      down ? ++at : --at;
      if (steps % 7 < 2) check_here();  // hashes some and leaves out others
    }
    check_here();
  }
}

}  // namespace
}  // namespace martlet::topic
