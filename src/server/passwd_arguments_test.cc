#include "server/passwd_arguments.h"

#include <gtest/gtest.h>

#include <vector>

namespace martlet::server {
namespace {

using Action = PasswdArguments::Action;

ParsedPasswdArguments parse(const std::vector<std::string>& given) {
  std::vector<std::string> words = {"martlet passwd"};
  words.insert(words.end(), given.begin(), given.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return parse_passwd_arguments(static_cast<int>(argv.size()), argv.data());
}

TEST(PasswdArguments, TakesMosquittosForms) {
  const auto set = parse({"-c", "-b", "file", "joe", "secret"});
  ASSERT_FALSE(set.exit_code) << set.message;
  EXPECT_EQ(set.arguments.action, Action::set);
  EXPECT_TRUE(set.arguments.create);
  EXPECT_EQ(set.arguments.file, "file");
  EXPECT_EQ(set.arguments.user, "joe");
  EXPECT_EQ(set.arguments.password, "secret");
  EXPECT_EQ(set.arguments.hash.kind, auth::PasswordHash::Kind::argon2id);
  EXPECT_FALSE(parse({"file", "joe"}).arguments.password);
  EXPECT_EQ(parse({"-D", "file", "joe"}).arguments.action, Action::remove);
  EXPECT_EQ(parse({"-U", "file"}).arguments.action, Action::convert);
  EXPECT_EQ(parse({"--list", "file"}).arguments.action, Action::list);
  EXPECT_EQ(parse({"--check", "file", "joe"}).arguments.action, Action::check);
  const auto pbkdf2 = parse({"-H", "sha512-pbkdf2", "-I", "1000", "file", "joe"});
  ASSERT_FALSE(pbkdf2.exit_code) << pbkdf2.message;
  EXPECT_EQ(pbkdf2.arguments.hash.kind, auth::PasswordHash::Kind::pbkdf2_sha512);
  EXPECT_EQ(pbkdf2.arguments.hash.pbkdf2_iterations, 1000u);
}

TEST(PasswdArguments, RefusesWhatMakesNoSense) {
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"file"},
                                                                 {"-b", "file", "joe"},
                                                                 {"file", "joe", "secret"},
                                                                 {"-b", "file", "joe", ""},
                                                                 {"-D", "-U", "file"},
                                                                 {"-D", "file"},
                                                                 {"-D", "-c", "file", "joe"},
                                                                 {"-D", "-b", "file", "joe", "secret"},
                                                                 {"-U", "file", "joe"},
                                                                 {"--list", "file", "joe"},
                                                                 {"--scram", "--check", "file", "joe"},
                                                                 {"-H", "sha512", "file", "joe"},
                                                                 {"-H", "argon2i", "file", "joe"},
                                                                 {"-x", "file", "joe"}}) {
    EXPECT_EQ(parse(words).exit_code, 2) << (words.empty() ? "" : words.front());
  }
  EXPECT_NE(parse({"-H", "argon2", "file", "joe"}).message.find("did you mean \"argon2id\"?"), std::string::npos);
}

TEST(PasswdArguments, Helps) {
  const auto help = parse({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.message.find("Exit codes:"), std::string::npos);
}

}  // namespace
}  // namespace martlet::server
