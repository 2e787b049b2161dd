#include "auth/http_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

using Kind = Opinion::Kind;
using Reach = Asked::Reach;

constexpr std::int64_t kWall = 1'700'000'000'000;

Asked read(long status, std::string body = {}) {
  return read_http_answer({status, std::move(body), false}, kWall);
}

TEST(HttpAnswer, ReadsAnAllowanceWithAllItSays) {
  const Asked asked = read(200, R"({"result": "allow", "username": "ann2", "is_superuser": true, "groups": ["a", "b"],
      "acl": [{"permission": "allow", "action": "publish", "topic": "t/#"}], "expire_at": 1700000060,
      "client_attrs": {"x": "y"}, "more": 1})");
  ASSERT_EQ(asked.opinion.kind, Kind::allow) << asked.opinion.reason;
  EXPECT_EQ(asked.reach, Reach::answered);
  EXPECT_EQ(asked.opinion.username, "ann2");
  EXPECT_EQ(asked.opinion.until_wall_ms, kWall + 60'000);
  ASSERT_NE(asked.opinion.grants, nullptr);
  EXPECT_TRUE(asked.opinion.grants->superuser);
  EXPECT_THAT(asked.opinion.grants->groups, ::testing::ElementsAre("a", "b"));
  ASSERT_EQ(asked.opinion.grants->rules.size(), 1u);
  EXPECT_TRUE(asked.opinion.grants->has_rules);
}

TEST(HttpAnswer, ABareAllowanceGrantsNothingMore) {
  for (const Asked& asked : {read(200, R"({"result": "allow", "is_superuser": null, "acl": null})"), read(204)}) {
    EXPECT_EQ(asked.opinion.kind, Kind::allow);
    EXPECT_EQ(asked.opinion.username, "");
    EXPECT_EQ(asked.opinion.until_wall_ms, 0);
    if (asked.opinion.grants != nullptr) {
      EXPECT_FALSE(asked.opinion.grants->superuser);
      EXPECT_FALSE(asked.opinion.grants->has_rules);
    }
  }
}

TEST(HttpAnswer, DeniesAndIgnores) {
  EXPECT_EQ(read(200, R"({"result": "deny", "is_superuser": true})").opinion.kind, Kind::refuse);
  EXPECT_EQ(read(200, R"({"result": "ignore"})").opinion.kind, Kind::unknown);
  EXPECT_EQ(read(401, R"({"result": "allow"})").opinion.kind, Kind::refuse);
  EXPECT_EQ(read(403).opinion.kind, Kind::refuse);
  EXPECT_EQ(read(200, R"({"result": "allow", "expire_at": 1700000000})").opinion.kind, Kind::refuse);
}

TEST(HttpAnswer, OtherStatusesFail) {
  for (const long status : {0, 201, 301, 302, 400, 404, 429, 500}) {
    const Asked asked = read(status, R"({"result": "allow"})");
    EXPECT_EQ(asked.opinion.kind, Kind::failed) << status;
    EXPECT_EQ(asked.reach, Reach::answered) << status;
  }
  for (const long status : {502, 503, 504}) EXPECT_EQ(read(status).reach, Reach::failed) << status;
  EXPECT_EQ(read_http_answer({200, {}, true}, kWall).opinion.kind, Kind::failed);
}

TEST(HttpAnswer, WhatIsNotUnderstoodFails) {
  const std::string bad[] = {
      "",
      "allow",
      "[]",
      R"({"result": "allow")",
      R"({"result": true})",
      R"({"result": "Allow"})",
      R"({"allow": true})",
      R"({"result": "allow", "username": 1})",
      R"({"result": "allow", "username": "a\u0000b"})",
      "{\"result\": \"allow\", \"username\": \"a\xFF\"}",
      R"({"result": "allow", "is_superuser": "true"})",
      R"({"result": "allow", "is_superuser": 1})",
      R"({"result": "allow", "groups": "a"})",
      R"({"result": "allow", "groups": [1]})",
      R"({"result": "allow", "acl": "all"})",
      R"({"result": "allow", "expire_at": "soon"})",
      R"({"result": "allow", "expire_at": -1})",
      R"({"result": "allow", "expire_at": 1.5e9})",
      R"({"result": "allow", "expire_at": 18446744073709551615})",
      std::string(60'000, '['),
  };
  for (const std::string& body : bad) {
    const Asked asked = read(200, body);
    EXPECT_EQ(asked.opinion.kind, Kind::failed) << body.substr(0, 100);
    EXPECT_FALSE(asked.opinion.reason.empty());
    EXPECT_EQ(asked.opinion.grants, nullptr);
  }
}

}  // namespace
}  // namespace martlet::auth
