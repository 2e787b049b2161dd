// The commands of docs/tools.md against the options table.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "env/posix/system.h"
#include "tools/option_table.h"
#include "tools/prove/arguments.h"

namespace martlet::tools {
namespace {

std::string page_of(const char* name) {
  return env::posix::make_files()->read_all(std::string(MARTLET_DOCUMENTATION_DIR "/") + name, 1u << 20).value();
}

// Calls visit(tool, word) for each word that looks like an option of a `martlet <tool>` in the page.
template <class Visit>
void for_each_option(const std::string& page, Visit&& visit) {
  std::istringstream lines(page);
  std::string tool;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find(" # ")));
    std::string before, word;
    for (; words >> word; before = word) {
      if (word == "|" || word == "||") tool.clear();
      if (before.ends_with("martlet")) tool = word;
      if (!tool.empty() && word.size() > 1 && word[0] == '-') visit(tool, word.substr(0, word.find('`')));
    }
    if (!line.ends_with('\\')) tool.clear();
  }
}

TEST(Documentation, EveryCommandOfThePageHasSupportedOptions) {
  int seen = 0;
  for_each_option(page_of("tools.md"), [&](const std::string& name, const std::string& word) {
    if (name != "pub" && name != "sub") return;
    const OptionRow* row = find_option(word, name == "pub" ? kPub : kSub);
    ++seen;
    EXPECT_TRUE(row && row->group) << word << " of martlet " << name;
  });
  EXPECT_GT(seen, 30);
}

TEST(Documentation, EveryCommandOfProveHasItsOptions) {
  int seen = 0;
  for (const char* page : {"tools.md", "durability-proof.md"}) {
    for_each_option(page_of(page), [&](const std::string& name, const std::string& word) {
      if (name != "prove") return;
      ++seen;
      EXPECT_TRUE(prove::has_option(word)) << word << " in " << page;
    });
  }
  EXPECT_GT(seen, 5);
}

TEST(Documentation, ThePageNamesWhatIsRefused) {
  const std::string page = page_of("tools.md");
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
