#include "topic/filter.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "topic/levels.h"
#include "topic/name.h"

namespace martlet::topic {
namespace {

using namespace std::string_view_literals;

std::vector<std::string_view> levels_of(std::string_view text) {
  std::vector<std::string_view> levels;
  for (const std::string_view level : Levels(text)) levels.push_back(level);
  return levels;
}

TEST(Levels, KeepsEmptyLevels) {
  EXPECT_EQ(levels_of("a/bc/d"), (std::vector{"a"sv, "bc"sv, "d"sv}));
  EXPECT_EQ(levels_of("/"), (std::vector{""sv, ""sv}));
  EXPECT_EQ(levels_of("/a//"), (std::vector{""sv, "a"sv, ""sv, ""sv}));
  EXPECT_EQ(levels_of(""), (std::vector{""sv}));
  EXPECT_EQ(count_levels("/a//"), 4u);
  EXPECT_EQ(count_levels("a"), 1u);
}

TEST(Name, AcceptsLegalNames) {
  for (const std::string_view name : {"a"sv, "/"sv, "a/b c/d"sv, "//"sv, "$SYS/x"sv, "\xC3\xA4/x"sv}) {
    EXPECT_EQ(check_name(name), Validity::ok) << name;
  }
  EXPECT_EQ(check_name(std::string(65535, '/')), Validity::ok);
}

TEST(Name, GivesTheReason) {
  EXPECT_EQ(check_name(""), Validity::empty);
  EXPECT_EQ(check_name(std::string(65536, 'a')), Validity::too_long);
  EXPECT_EQ(check_name("a\0b"sv), Validity::has_null);
  EXPECT_EQ(check_name("a/+"), Validity::wildcard_in_name);
  EXPECT_EQ(check_name("a#"), Validity::wildcard_in_name);
  EXPECT_EQ(check_name("a/b/c", 3), Validity::ok);
  EXPECT_EQ(check_name("a/b/c", 2), Validity::too_deep);
}

TEST(Filter, AcceptsLegalFilters) {
  for (const std::string_view filter :
       {"#"sv, "+"sv, "a/#"sv, "/#"sv, "+/+"sv, "/+"sv, "a/+/b"sv, "+/#"sv, "a//b"sv, "a/+"sv, "$SYS/#"sv}) {
    EXPECT_EQ(check_filter(filter), Validity::ok) << filter;
  }
}

TEST(Filter, GivesTheReason) {
  EXPECT_EQ(check_filter(""), Validity::empty);
  EXPECT_EQ(check_filter(std::string(65536, 'a')), Validity::too_long);
  EXPECT_EQ(check_filter("a/\0"sv), Validity::has_null);
  for (const std::string_view filter : {"a#"sv, "a/#/b"sv, "#/"sv, "##"sv, "#a"sv, "a/b#"sv, "+#"sv}) {
    EXPECT_NE(check_filter(filter), Validity::ok) << filter;
  }
  EXPECT_EQ(check_filter("a/#/b"), Validity::misplaced_hash);
  EXPECT_EQ(check_filter("a#"), Validity::misplaced_hash);
  for (const std::string_view filter : {"a+"sv, "+a"sv, "a/+b/c"sv, "++"sv, "a/b+"sv}) {
    EXPECT_EQ(check_filter(filter), Validity::misplaced_plus) << filter;
  }
  EXPECT_EQ(check_filter("a/+/#", 2), Validity::too_deep);
  EXPECT_EQ(check_filter("a/+/#", 3), Validity::ok);
}

TEST(Filter, MatchesAsTheSpecificationSays) {
  struct Case {
    std::string_view filter;
    std::string_view topic;
    bool matches;
  };
  const Case cases[] = {
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/tennis/player1/#", "sport/tennis/player10", false},
      {"sport/#", "sport", true},
      {"#", "a/b/c", true},
      {"#", "/", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      {"+/#", "a", true},
      {"+/#", "/", true},
      {"a/+/#", "a", false},
      {"#", "$SYS/x", false},
      {"+/monitor/Clients", "$SYS/monitor/Clients", false},
      {"$SYS/#", "$SYS/monitor", true},
      {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
      {"a/+", "a/$x", true},
      {"a/#", "a/$x", true},
      {"ACCOUNTS", "Accounts", false},
      {"a", "a/", false},
      {"a/", "a", false},
      {"a//b", "a//b", true},
      {"a/+/b", "a//b", true},
  };
  for (const Case& c : cases) EXPECT_EQ(matches(c.filter, c.topic), c.matches) << c.filter << " : " << c.topic;
}

TEST(Filter, SplitsSharedSubscriptions) {
  const auto shared = parse_filter("$share/group/a/+/#");
  ASSERT_TRUE(shared.has_value());
  EXPECT_TRUE(shared->shared);
  EXPECT_EQ(shared->group, "group");
  EXPECT_EQ(shared->filter, "a/+/#");

  const auto leading_slash = parse_filter("$share/g//a");
  ASSERT_TRUE(leading_slash.has_value());
  EXPECT_EQ(leading_slash->filter, "/a");

  for (const std::string_view text : {"a/b"sv, "$share"sv, "$shared/x/y"sv, "$SYS/#"sv}) {
    const auto plain = parse_filter(text);
    ASSERT_TRUE(plain.has_value()) << text;
    EXPECT_FALSE(plain->shared);
    EXPECT_EQ(plain->filter, text);
    EXPECT_EQ(plain->group, "");
  }
}

TEST(Filter, RefusesBadSharedSubscriptions) {
  const auto reason = [](std::string_view text, std::size_t max_levels = 0) {
    const auto parsed = parse_filter(text, max_levels);
    return parsed ? Validity::ok : parsed.error();
  };
  EXPECT_EQ(reason("$share/"), Validity::share_name_empty);
  EXPECT_EQ(reason("$share//a"), Validity::share_name_empty);
  EXPECT_EQ(reason("$share/g"), Validity::share_filter_missing);
  EXPECT_EQ(reason("$share/g/"), Validity::share_filter_missing);
  EXPECT_EQ(reason("$share/+/a"), Validity::share_name_wildcard);
  EXPECT_EQ(reason("$share/g#/a"), Validity::share_name_wildcard);
  EXPECT_EQ(reason("$share/g\0/a"sv), Validity::has_null);
  EXPECT_EQ(reason("$share/g/a+"), Validity::misplaced_plus);
  EXPECT_EQ(reason("$share/g/#/a"), Validity::misplaced_hash);
  EXPECT_EQ(reason("$share/g/a/b", 1), Validity::too_deep);
  EXPECT_EQ(reason("$share/g/a/b", 2), Validity::ok);
  EXPECT_EQ(reason("$share/g/" + std::string(65530, 'a')), Validity::too_long);
}

TEST(Validity, EveryReasonHasItsOwnText) {
  std::set<std::string_view> texts;
  for (int reason = 0; reason <= static_cast<int>(Validity::share_filter_missing); ++reason) {
    texts.insert(to_text(static_cast<Validity>(reason)));
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(Validity::share_filter_missing) + 1);
  EXPECT_FALSE(texts.contains("unknown"));
}

}  // namespace
}  // namespace martlet::topic
