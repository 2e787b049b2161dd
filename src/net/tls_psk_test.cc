#include "net/tls_psk.h"

#include <gmock/gmock.h>

namespace martlet::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string error_of(std::string_view text) {
  const auto table = PskTable::parse(text, "psk");
  return table ? "none" : table.error().message;
}

TEST(PskTable, FindsTheKeysOfItsLines) {
  const auto table = PskTable::parse("# devices\n\n  sensor-1 : 00ffA0b1\r\n\t\nname with blanks:0102\nlast:ff", "psk");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->size(), 3u);
  EXPECT_EQ(table->weak_keys(), 3u);
  EXPECT_TRUE(equal(table->find("sensor-1"), as_bytes(std::string_view("\x00\xff\xa0\xb1", 4))));
  EXPECT_TRUE(equal(table->find("name with blanks"), as_bytes("\x01\x02")));
  EXPECT_TRUE(equal(table->find("last"), as_bytes("\xff")));
  EXPECT_TRUE(table->find("sensor").empty());
  EXPECT_TRUE(table->find("").empty());
}

TEST(PskTable, TheFirstColonEndsTheIdentity) {
  EXPECT_THAT(error_of("a:b:00"), HasSubstr("psk:1: the key is not bytes in hexadecimal"));
}

TEST(PskTable, NamesTheLineOfAnError) {
  EXPECT_EQ(error_of("\n\nsensor"), "psk:3: no colon; write `identity:hexkey`");
  EXPECT_EQ(error_of(":00"), "psk:1: no identity before the colon");
  EXPECT_THAT(error_of("a:"), HasSubstr("psk:1: the key is not bytes in hexadecimal"));
  EXPECT_THAT(error_of("a:0"), HasSubstr("psk:1: the key is not bytes in hexadecimal"));
  EXPECT_THAT(error_of("a:0x00"), HasSubstr("psk:1: the key is not bytes in hexadecimal"));
  EXPECT_EQ(error_of("a:00\nb:01\na:02"), "psk:3: the identity \"a\" is there already; remove one of the lines");
  EXPECT_EQ(error_of(std::string("a\0b:00", 6)), "psk:1: a zero byte in the identity");
  EXPECT_EQ(error_of("# nothing\n"), "psk: no key in it; write lines `identity:hexkey`");
  EXPECT_EQ(error_of(""), "psk: no key in it; write lines `identity:hexkey`");
}

TEST(PskTable, HasBounds) {
  const std::string identity(PskTable::kMostIdentityBytes, 'i');
  const std::string key(2 * PskTable::kMostKeyBytes, '0');
  EXPECT_EQ(error_of(identity + ":" + key), "none");
  EXPECT_EQ(error_of(identity + "i:00"), "psk:1: the identity is longer than 256 bytes");
  EXPECT_EQ(error_of("a:" + key + "00"), "psk:1: the key is longer than 512 bytes");
}

TEST(PskTable, NoMessageShowsAKey) {
  EXPECT_THAT(error_of("a:5ec2e7x"), Not(HasSubstr("5ec2e7")));
  EXPECT_THAT(error_of("5ec2e7"), Not(HasSubstr("5ec2e7")));
  EXPECT_THAT(error_of("a:00\na:5ec2e7"), Not(HasSubstr("5ec2e7")));
}

TEST(PskTable, OtherContentsHaveAnotherDigest) {
  EXPECT_EQ(PskTable::parse("a:00", "psk")->digest(), PskTable::parse("a:00", "other")->digest());
  EXPECT_NE(PskTable::parse("a:00", "psk")->digest(), PskTable::parse("a:01", "psk")->digest());
}

}  // namespace
}  // namespace martlet::net
