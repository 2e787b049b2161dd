#include "auth/ldap_name.h"

#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

constexpr const char* kUid = "uid=%u,ou=people,dc=example,dc=org";

TEST(LdapNameTest, TellsTheNamesOfEntriesFromOthers) {
  EXPECT_TRUE(is_entry_name(kUid));
  EXPECT_TRUE(is_entry_name("cn=dev-%u"));
  EXPECT_FALSE(is_entry_name("%u@example.org"));
  EXPECT_FALSE(is_entry_name("EXAMPLE\\%u"));
}

TEST(LdapNameTest, AUserIsCalledAsItsEntryIs) {
  const std::string entry = "UID=ann,ou=People,dc=example,dc=org";
  for (const char* claimed : {"ann", "ANN", " ann ", "a\xC2\xADnn", "\xEF\xBD\x81nn"}) {
    EXPECT_EQ(name_of_entry(kUid, claimed, "c", entry), "ann") << claimed;
  }
  EXPECT_EQ(name_of_entry(kUid, "A, B", "c", "uid=a\\, b\\20,ou=people,dc=example,dc=org"), "a, b ");
  EXPECT_EQ(name_of_entry("cn=%u+l=here,o=x", "ANN", "c", "l=here+cn=ann,o=x"), "ann");
}

TEST(LdapNameTest, WhereANameIsPartOfAValueItHasToBeTheSame) {
  EXPECT_EQ(name_of_entry("cn=dev-%u,o=x", "ann", "c", "cn=dev-ann,o=x"), "ann");
  EXPECT_EQ(name_of_entry("cn=dev-%u,o=x", "ANN", "c", "cn=dev-ann,o=x"), std::nullopt);
  EXPECT_EQ(name_of_entry("cn=%u,ou=%u,o=x", "ANN", "c", "cn=ann,ou=Ann,o=x"), std::nullopt);
}

TEST(LdapNameTest, AnotherEntryIsNobody) {
  for (const char* entry : {"", "uid=ann", "uid=ann,dc=example,dc=org", "ann", "uid=,ou=people,dc=example,dc=org",
                            "uid=#0403616e6e,ou=people,dc=example,dc=org", "cn=ann+l=x,ou=people,dc=example,dc=org"}) {
    EXPECT_EQ(name_of_entry(kUid, "ann", "c", entry), std::nullopt) << entry;
  }
}

TEST(LdapNameTest, PlainNamesHaveOneSpelling) {
  EXPECT_TRUE(is_plain_name("ann-2.x_y@example.org"));
  for (const char* name : {"Ann", " ann", "a nn", "a\xC2\xADnn", "ann\t", "a=b"})
    EXPECT_FALSE(is_plain_name(name)) << name;
}

}  // namespace
}  // namespace martlet::auth
