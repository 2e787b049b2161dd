// The commands of docs/tools.md against the options table.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "env/posix/system.h"
#include "tools/option_table.h"

namespace martlet::tools {
namespace {

// Calls visit(tool, word) for each word that looks like an option of a `martlet pub` or `martlet sub` in the page.
template <class Visit>
void for_each_option(const std::string& page, Visit&& visit) {
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find(" # ")));
    std::string before, word;
    unsigned tool = 0;
    for (; words >> word; before = word) {
      if (word == "|" || word == "||") tool = 0;
      if (before.ends_with("martlet") && (word == "pub" || word == "sub")) tool = word == "pub" ? kPub : kSub;
      if (tool != 0 && word.size() > 1 && word[0] == '-') visit(static_cast<Tool>(tool), word);
    }
  }
}

TEST(Documentation, EveryCommandOfThePageHasSupportedOptions) {
  const std::string page = env::posix::make_files()->read_all(MARTLET_DOCUMENTATION_DIR "/tools.md", 1u << 20).value();
  int seen = 0;
  for_each_option(page, [&](Tool tool, const std::string& word) {
    const OptionRow* row = find_option(word.substr(0, word.find('`')), tool);
    ++seen;
    EXPECT_TRUE(row && row->group) << word << " of martlet " << (tool == kPub ? "pub" : "sub");
  });
  EXPECT_GT(seen, 30);
}

TEST(Documentation, ThePageNamesWhatIsRefused) {
  const std::string page = env::posix::make_files()->read_all(MARTLET_DOCUMENTATION_DIR "/tools.md", 1u << 20).value();
  const std::string refused = page.substr(page.find("## Not there"));
  for (const OptionRow& row : option_table()) {
    if (row.group) continue;
    const bool tls = std::string_view(row.help).starts_with("TLS");
    EXPECT_TRUE(tls || refused.find(row.short_name ? row.short_name : row.long_name) != std::string::npos)
        << row.name();
  }
}

}  // namespace
}  // namespace martlet::tools
