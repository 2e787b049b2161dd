#include "auth/name_template.h"

#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

TEST(NameTemplate, FillsInNamesAsTheyAre) {
  EXPECT_EQ(fill_template("mqtt:%u:%c:100%%:%x%", "a%c", "b%u", unescaped), "mqtt:a%c:b%u:100%:%x%");
  EXPECT_EQ(fill_template("", "a", "b", unescaped), "");
}

TEST(NameTemplate, KnowsItsPlaceholders) {
  EXPECT_TRUE(has_placeholder("uid=%u,dc=x", 'u'));
  EXPECT_FALSE(has_placeholder("uid=%%u,dc=x", 'u'));
  EXPECT_TRUE(has_placeholder("%%%u", 'u'));
  EXPECT_FALSE(has_placeholder("uid=%", 'u'));
  EXPECT_FALSE(has_placeholder("", 'u'));
}

TEST(NameTemplate, AValueOfADistinguishedNameStaysOne) {
  EXPECT_EQ(escape_dn("ann"), "ann");
  EXPECT_EQ(escape_dn("ann,ou=admins"), "ann\\2cou\\3dadmins");
  EXPECT_EQ(escape_dn("a+b\"c\\d<e>f;g#h "), "a\\2bb\\22c\\5cd\\3ce\\3ef\\3bg\\23h\\20");
  EXPECT_EQ(escape_dn(std::string_view("\0\n\x7F", 3)), "\\00\\0a\\7f");
  EXPECT_EQ(escape_dn("J\xC3\xBCrgen"), "J\xC3\xBCrgen");
}

TEST(NameTemplate, AValueOfAFilterStaysOne) {
  EXPECT_EQ(escape_filter("uid=a\\2cb,dc=x"), "uid=a\\5c2cb,dc=x");
  EXPECT_EQ(escape_filter("*)(uid=*"), "\\2a\\29\\28uid=\\2a");
  EXPECT_EQ(escape_filter(std::string_view("\0", 1)), "\\00");
}

}  // namespace
}  // namespace martlet::auth
