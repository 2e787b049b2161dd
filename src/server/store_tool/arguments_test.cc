#include "server/store_tool/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace martlet::server {
namespace {

using ::testing::HasSubstr;

ParsedStoreArguments parse(std::vector<std::string> words) {
  words.insert(words.begin(), "martlet store");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_store_arguments(static_cast<int>(words.size()), argv.data());
}

TEST(StoreArguments, AllOptions) {
  const auto parsed = parse({"dump", "dir", "--json", "--full", "--table", "wills", "--from", "7", "--count", "3"});
  ASSERT_FALSE(parsed.exit_code) << parsed.message;
  EXPECT_EQ(parsed.arguments.action, StoreArguments::Action::dump);
  EXPECT_EQ(parsed.arguments.directory, "dir");
  EXPECT_TRUE(parsed.arguments.json && parsed.arguments.full);
  EXPECT_EQ(parsed.arguments.table, "wills");
  EXPECT_EQ(parsed.arguments.from, 7u);
  EXPECT_EQ(parsed.arguments.count, 3u);
  EXPECT_EQ(parse({"stats", "dir"}).arguments.action, StoreArguments::Action::stats);
  EXPECT_EQ(parse({"check", "dir"}).arguments.action, StoreArguments::Action::check);
}

TEST(StoreArguments, MistakesAreRefused) {
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"check"},
                                                                 {"chekc", "dir"},
                                                                 {"dump", "dir", "--table", "none"},
                                                                 {"dump", "dir", "--from", "x"},
                                                                 {"stats", "dir", "--nothing"},
                                                                 {"check", "dir", "another"}}) {
    const auto parsed = parse(words);
    EXPECT_EQ(parsed.exit_code, 2) << ::testing::PrintToString(words);
    EXPECT_THAT(parsed.message, HasSubstr("See martlet store --help."));
  }
  EXPECT_THAT(parse({"chekc", "dir"}).message, HasSubstr("did you mean \"check\"?"));
  EXPECT_EQ(parse({"--help"}).exit_code, 0);
  EXPECT_THAT(parse({"--help"}).message, HasSubstr("Exit codes:"));
}

}  // namespace
}  // namespace martlet::server
