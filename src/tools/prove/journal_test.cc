#include "tools/prove/journal.h"

#include <gtest/gtest.h>

namespace martlet::tools::prove {
namespace {

constexpr MessageId kId{.publisher = 7, .topic = 1, .qos = wire::QoS::exactly_once, .sequence = 12'345'678'901};

std::string line_of(const JournalEntry& entry) {
  std::string line;
  append_entry(line, entry);
  return line;
}

TEST(ProveJournal, SaysWhatWasPutIn) {
  using enum JournalKind;
  for (const JournalEntry& entry : {JournalEntry{ready}, JournalEntry{published}, JournalEntry{received, kId},
                                    JournalEntry{acknowledged, kId}, JournalEntry{refused, kId, "quota exceeded"},
                                    JournalEntry{forgotten}, JournalEntry{breach, {}, "no such thing"},
                                    JournalEntry{error, {}, "cannot connect: refused"}, JournalEntry{done, {}, "17"}}) {
    std::string line = line_of(entry);
    ASSERT_EQ(line.back(), '\n');
    line.pop_back();
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(parse_entry(line), entry) << line;
  }
}

TEST(ProveJournal, RefusesWhatIsNoEntry) {
  for (const char* line :
       {"", "q", "a", "a 1", "a 1 2 1", "a 1 2 0 5", "a 1 2 3 5", "a 1 2 1 x", "a1 2 1 5", "a 1 2 1 5x", "dx"}) {
    EXPECT_EQ(parse_entry(line), std::nullopt) << line;
  }
}

}  // namespace
}  // namespace martlet::tools::prove
