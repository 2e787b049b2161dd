#include "auth/user_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

bool verify(std::string_view hash, ByteView password) {
  return hash == as_text(password);
}

TEST(UserRow, Flags) {
  for (const char* text : {"1", "t", "TRUE", "yes", "on"}) EXPECT_TRUE(parse_flag(text).value()) << text;
  for (const char* text : {"0", "f", "False", "no", ""}) EXPECT_FALSE(parse_flag(text).value()) << text;
  for (const char* text : {"2", "perhaps", " true"}) EXPECT_FALSE(parse_flag(text)) << text;
}

TEST(UserRow, CommaLists) {
  EXPECT_THAT(parse_comma_list("a, b c ,,d"), ElementsAre("a", "b c", "d"));
  EXPECT_THAT(parse_comma_list(" , "), IsEmpty());
  EXPECT_THAT(parse_comma_list(""), IsEmpty());
}

TEST(UserRow, Arrays) {
  EXPECT_THAT(parse_array(R"({a,"b, c","d\"e\\",NULL,"NULL",""})").value(),
              ElementsAre("a", "b, c", "d\"e\\", "NULL", ""));
  EXPECT_THAT(parse_array("{}").value(), IsEmpty());
  for (const char* text : {"", "{", "a", "{a", "{{a},{b}}", "{a,}", "{,a}", R"({"a})", R"({"a"b})", R"({a"b})"})
    EXPECT_FALSE(parse_array(text)) << text;
}

TEST(UserRow, ThePasswordDecides) {
  Credentials credentials;
  credentials.username = "ann";
  credentials.password = std::vector<std::uint8_t>{'x'};
  const Opinion allowed = opinion_of({"x", true, {"a", "", "b\xFF"}}, credentials, verify);
  ASSERT_EQ(allowed.kind, Opinion::Kind::allow);
  EXPECT_TRUE(allowed.grants->superuser);
  EXPECT_THAT(allowed.grants->groups, ElementsAre("a"));
  EXPECT_EQ(opinion_of({"y", true, {}}, credentials, verify).kind, Opinion::Kind::refuse);
  EXPECT_EQ(opinion_of({std::nullopt, true, {}}, credentials, verify).kind, Opinion::Kind::refuse);
  credentials.password = std::vector<std::uint8_t>{};
  EXPECT_EQ(opinion_of({"", true, {}}, credentials, verify).kind, Opinion::Kind::refuse);
  credentials.password.reset();
  EXPECT_EQ(opinion_of({"x", true, {}}, credentials, verify).kind, Opinion::Kind::refuse);
}

}  // namespace
}  // namespace martlet::auth
