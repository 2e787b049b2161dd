#include "topic/cover.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "topic/filter.h"

namespace martlet::topic {
namespace {

// All texts of one to `depth` of these levels.
std::vector<std::string> all_texts(const std::vector<std::string>& levels, std::size_t depth) {
  std::vector<std::string> texts;
  std::vector<std::string> longest(1);
  for (std::size_t i = 0; i < depth; ++i) {
    std::vector<std::string> longer;
    for (const std::string& text : longest) {
      for (const std::string& level : levels) longer.push_back(i == 0 ? level : text + "/" + level);
    }
    texts.insert(texts.end(), longer.begin(), longer.end());
    longest = std::move(longer);
  }
  return texts;
}

std::vector<std::string> all_filters() {
  std::vector<std::string> filters = all_texts({"", "a", "$s", "+", "#"}, 3);
  std::erase_if(filters, [](const std::string& text) { return check_filter(text) != Validity::ok; });
  return filters;
}

// One level deeper than any filter, and with a level that no filter names: what two filters differ in is seen.
std::vector<std::string> all_topics() {
  std::vector<std::string> topics = all_texts({"", "a", "$s", "$t", "other"}, 4);
  std::erase(topics, "");
  return topics;
}

TEST(Cover, AgreesWithTheTopicsThemselves) {
  const std::vector<std::string> topics = all_topics();
  const std::vector<std::string> filters = all_filters();
  std::vector<std::vector<bool>> matched;
  for (const std::string& filter : filters) {
    std::vector<bool>& row = matched.emplace_back();
    for (const std::string& topic : topics) row.push_back(matches(filter, topic));
  }
  std::size_t covered = 0, overlapping = 0;
  for (std::size_t a = 0; a < filters.size(); ++a) {
    for (std::size_t b = 0; b < filters.size(); ++b) {
      bool all = true, any = false;
      for (std::size_t i = 0; i < topics.size(); ++i) {
        all = all && (matched[a][i] || !matched[b][i]);
        any = any || (matched[a][i] && matched[b][i]);
      }
      ASSERT_EQ(covers(filters[a], filters[b]), all) << filters[a] << " covers " << filters[b];
      ASSERT_EQ(overlap(filters[a], filters[b]), any) << filters[a] << " and " << filters[b];
      covered += all;
      overlapping += any;
    }
  }
  EXPECT_GT(covered, filters.size());
  EXPECT_GT(overlapping, covered);
}

TEST(Cover, AsTheDocumentationShows) {
  EXPECT_TRUE(covers("a/#", "a/#"));
  EXPECT_TRUE(covers("#", "a/#"));
  EXPECT_TRUE(covers("a/#", "a"));
  EXPECT_TRUE(covers("+/#", "#"));
  EXPECT_FALSE(covers("a/+", "a/#"));
  EXPECT_FALSE(covers("a/#", "#"));
  EXPECT_FALSE(covers("#", "$SYS/#"));
  EXPECT_TRUE(covers("$SYS/#", "$SYS/+"));
}

TEST(Cover, OverlapIsSymmetric) {
  EXPECT_TRUE(overlap("+/b", "a/#"));
  EXPECT_TRUE(overlap("a/#", "+/b"));
  EXPECT_FALSE(overlap("a/b/+", "+/c/#"));
  EXPECT_FALSE(overlap("#", "$SYS/#"));
  EXPECT_FALSE(overlap("$SYS/#", "#"));
}

}  // namespace
}  // namespace martlet::topic
