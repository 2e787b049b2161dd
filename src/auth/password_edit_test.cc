#include "auth/password_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr const char* kText = "# users\nalice:one\n bob : two\nalice:SCRAM-SHA-256$x\n\nno colon\ncarol:three";

TEST(PasswordEdit, ListsUsersOnce) {
  EXPECT_THAT(users_of(kText), ElementsAre("alice", "bob", "carol"));
  EXPECT_TRUE(has_scram_keys(kText, "alice"));
  EXPECT_FALSE(has_scram_keys(kText, "bob"));
}

TEST(PasswordEdit, ReplacesAUsersLinesWhereTheyStood) {
  EXPECT_EQ(with_user(kText, "alice", {"new", "SCRAM-SHA-256$new"}),
            "# users\nalice:new\nalice:SCRAM-SHA-256$new\n bob : two\n\nno colon\ncarol:three\n");
  EXPECT_EQ(with_user(kText, "bob", {"new"}),
            "# users\nalice:one\nbob:new\nalice:SCRAM-SHA-256$x\n\nno colon\ncarol:three\n");
}

TEST(PasswordEdit, AddsAUserAtTheEnd) {
  EXPECT_EQ(with_user("a:x", "b", {"y"}), "a:x\nb:y\n");
  EXPECT_EQ(with_user("", "b", {"y"}), "b:y\n");
}

TEST(PasswordEdit, RemovesAllLinesOfAUser) {
  EXPECT_EQ(without_user(kText, "alice"), "# users\n bob : two\n\nno colon\ncarol:three");
  EXPECT_EQ(without_user(kText, "nobody"), kText);
}

TEST(PasswordEdit, TakesNoNameThatTheFileCannotHold) {
  for (const char* name : {"", "a:b", "#a", " a", "a ", "a\nb", "a\x7F", "a\xFF", "\ta"}) {
    EXPECT_FALSE(check_user_name(name)) << name;
  }
  EXPECT_FALSE(check_user_name(std::string(65'536, 'a')));
  for (const char* name : {"a", "a b", "a#", "\xC3\xA4", "a+b/c$"}) EXPECT_TRUE(check_user_name(name)) << name;
  EXPECT_TRUE(check_user_name(std::string(65'535, 'a')));
}

TEST(PasswordEdit, ConvertsPlainTextsAlone) {
  const std::string hash =
      "$6$Hd0M8TsUhDPCb7m0$2/Vx6nOthYfbf612052OzR6vcjb1a05g3g+anMK0WYplfVCO3Qp7Z0SqLJ73qQR/eC/SeJswdbRsF4jvr5wz4Q==";
  const auto make = [](std::string_view password) -> Result<std::string> { return "<" + std::string(password) + ">"; };
  const auto done = convert_plain_texts("# c\na: plain:text \r\nb:" + hash + "\nc:$money\n", make);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->text, "# c\na:<plain:text>\nb:" + hash + "\nc:<$money>\n");
  EXPECT_EQ(done->passwords, 2u);
  const auto broken = convert_plain_texts("a:x\nb:$6$broken\n", make);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, StartsWith("2: "));
  EXPECT_THAT(convert_plain_texts("\na:\n", make).error().message, StartsWith("2: "));
  EXPECT_FALSE(convert_plain_texts("a:x", [](std::string_view) -> Result<std::string> { return fail("no memory"); }));
}

}  // namespace
}  // namespace martlet::auth
