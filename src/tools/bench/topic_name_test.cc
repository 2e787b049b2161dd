#include "tools/bench/topic_name.h"

#include <gtest/gtest.h>

#include <array>

namespace martlet::tools::bench {
namespace {

TEST(BenchTopicName, IsReadBack) {
  for (const std::uint64_t number : {0, 7, 10, 1'234'567}) {
    for (const bool padded : {false, true}) {
      EXPECT_EQ(topic_number(topic_name("a/b", number, padded), "a/b", padded), number);
    }
  }
  EXPECT_EQ(topic_name("a", 5, true), "a/0000005");
  EXPECT_EQ(topic_name("a", 5, false), "a/5");
}

TEST(BenchTopicName, IsNoOther) {
  for (const char* topic :
       {"a/b", "a/b/", "a/c/5", "a/b5", "a/b/05", "a/b/5x", "a/b/", "", "a/b/99999999999999999999"}) {
    EXPECT_FALSE(topic_number(topic, "a/b", false)) << topic;
  }
  EXPECT_FALSE(topic_number("a/b/5", "a/b", true));
  EXPECT_FALSE(topic_number("a/b/00000005", "a/b", true));
}

TEST(BenchTopicName, IsWrittenOver) {
  std::array<std::uint8_t, kTopicDigits> digits{};
  write_topic_digits(digits.data(), 90'210);
  EXPECT_EQ(std::string(digits.begin(), digits.end()), "0090210");
}

}  // namespace
}  // namespace martlet::tools::bench
