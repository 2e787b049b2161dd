#include "base/network_range.h"

#include <gtest/gtest.h>

namespace martlet {
namespace {

NetworkRange range(std::string_view text) {
  return parse_network_range(text).value();
}

std::string again(std::string_view text) {
  const auto address = parse_network_address(text);
  return address ? to_text(*address) : "nothing";
}

TEST(NetworkAddress, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(again("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(again("0.0.0.0"), "0.0.0.0");
  EXPECT_EQ(again("255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(again("::"), "::");
  EXPECT_EQ(again("::1"), "::1");
  EXPECT_EQ(again("1::"), "1::");
  EXPECT_EQ(again("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(again("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
  EXPECT_EQ(again("1:0:3:0:0:6:7:8"), "1:0:3::6:7:8");
  EXPECT_EQ(again("1:2:3:4:5:6:0:0"), "1:2:3:4:5:6::");
  EXPECT_EQ(again("1:2:3:0:5:6:7:8"), "1:2:3:0:5:6:7:8");
  EXPECT_EQ(again("fe80::1%eth0"), "fe80::1");
  EXPECT_EQ(again("64:ff9b::192.0.2.1"), "64:ff9b::c000:201");
}

TEST(NetworkAddress, TakesAMappedAddressAsIpv4) {
  EXPECT_EQ(again("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(again("::FFFF:c000:0201"), "192.0.2.1");
  EXPECT_EQ(parse_network_address("::ffff:192.0.2.1"), parse_network_address("192.0.2.1"));
}

TEST(NetworkAddress, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ".",
                           ":",
                           ":::",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "1.2.3.04",
                           "1.2.3.",
                           "1.2.3.4 ",
                           "-1.2.3.4",
                           "localhost",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "1:2:3:4:5:6:7::8",
                           "12345::",
                           "g::",
                           ":1",
                           "1:",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "[::1]",
                           "1.2.3.4:5",
                           "::+1",
                           "unix"}) {
    EXPECT_EQ(again(text), "nothing") << text;
  }
}

TEST(NetworkAddress, IsFoundInAPeersName) {
  EXPECT_EQ(to_text(address_of_peer("192.0.2.1:50123").value()), "192.0.2.1");
  EXPECT_EQ(to_text(address_of_peer("192.0.2.1").value()), "192.0.2.1");
  EXPECT_EQ(to_text(address_of_peer("[2001:db8::1]:50123").value()), "2001:db8::1");
  EXPECT_EQ(to_text(address_of_peer("2001:db8::1").value()), "2001:db8::1");
  EXPECT_EQ(to_text(address_of_peer("[fe80::1%eth0]:1").value()), "fe80::1");
  for (const char* text : {"", "[", "[::1", "unix:uid=1000,pid=77", "host:1"}) {
    EXPECT_FALSE(address_of_peer(text).has_value()) << text;
  }
}

TEST(NetworkRange, ContainsWhatSharesItsPrefix) {
  EXPECT_TRUE(range("10.0.0.0/8").contains("10.255.0.1"));
  EXPECT_FALSE(range("10.0.0.0/8").contains("11.0.0.1"));
  EXPECT_TRUE(range("192.0.2.128/25").contains("192.0.2.200"));
  EXPECT_FALSE(range("192.0.2.128/25").contains("192.0.2.127"));
  EXPECT_TRUE(range("192.0.2.1").contains("192.0.2.1"));
  EXPECT_FALSE(range("192.0.2.1").contains("192.0.2.0"));
  EXPECT_TRUE(range("192.0.2.1/32").contains("::ffff:192.0.2.1"));
  EXPECT_TRUE(range("0.0.0.0/0").contains("203.0.113.9"));
  EXPECT_TRUE(range("2001:db8::/33").contains("2001:db8:7fff::1"));
  EXPECT_FALSE(range("2001:db8::/33").contains("2001:db8:8000::1"));
  EXPECT_TRUE(range("::1").contains("::1"));
  EXPECT_FALSE(range("::1").contains("::2"));
  EXPECT_FALSE(range("0.0.0.0/0").contains("not an address"));
}

TEST(NetworkRange, KeepsTheFamiliesApart) {
  EXPECT_FALSE(range("0.0.0.0/0").contains("::1"));
  EXPECT_FALSE(range("::/0").contains("192.0.2.1"));
  EXPECT_TRUE(range("::/0").contains("2001:db8::1"));
  EXPECT_TRUE(range("::ffff:10.0.0.0/104").contains("10.9.9.9"));
  EXPECT_EQ(range("::ffff:10.0.0.0/104"), range("10.0.0.0/8"));
}

TEST(NetworkRange, IgnoresBitsBehindThePrefix) {
  EXPECT_EQ(range("10.1.2.3/8"), range("10.0.0.0/8"));
  EXPECT_FALSE(range("10.0.0.0/8") == range("10.0.0.0/9"));
}

TEST(NetworkRange, SaysWhatIsWrong) {
  EXPECT_NE(parse_network_range("10.0.0.0/33").error().message.find("0 to 32"), std::string::npos);
  EXPECT_NE(parse_network_range("::/129").error().message.find("0 to 128"), std::string::npos);
  for (const char* text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/8/8", "host/8", "10/8"}) {
    EXPECT_FALSE(parse_network_range(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace martlet
