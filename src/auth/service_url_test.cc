#include "auth/service_url.h"

#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

TEST(ServiceUrl, ReadsItsParts) {
  const auto url = parse_service_url("redis://a%40b@db.example.org:6380/3");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->scheme, "redis");
  EXPECT_EQ(url->user, "a@b");
  EXPECT_EQ(url->host, "db.example.org");
  EXPECT_EQ(url->port, 6380);
  EXPECT_EQ(url->path, "/3");
  EXPECT_FALSE(url->has_query);
  const auto six = parse_service_url("ldaps://[2001:db8::1]?x");
  ASSERT_TRUE(six) << six.error().message;
  EXPECT_EQ(six->host, "2001:db8::1");
  EXPECT_EQ(six->port, 0);
  EXPECT_TRUE(six->has_query);
}

TEST(ServiceUrl, RefusesWithoutShowingIt) {
  for (const char* text : {"", "geheim", "geheim:1883", "http://", "http://u:geheim@h/", "http://h/#geheim",
                           "http://geheim:99999/", "http://[geheim/"}) {
    const auto url = parse_service_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_TRUE(url.error().message.starts_with("url: ")) << url.error().message;
    EXPECT_EQ(url.error().message.find("geheim"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace martlet::auth
