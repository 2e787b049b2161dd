#include "base/compact_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace martlet {
namespace {

static_assert(sizeof(CompactText) == 8);

TEST(CompactText, IsEmptyAtFirst) {
  const CompactText text;
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.view(), "");
}

TEST(CompactText, HoldsAnyText) {
  const std::string with_zeros("a\0b", 3);
  EXPECT_EQ(CompactText(with_zeros).view(), with_zeros);
  const std::string large(100'000, 'x');
  EXPECT_EQ(CompactText(large).view(), large);
}

TEST(CompactText, IsSetAnew) {
  CompactText text("first");
  text = "the second";
  EXPECT_EQ(text.view(), "the second");
  text = text.view().substr(4);  // of itself
  EXPECT_EQ(text.view(), "second");
  text = "";
  EXPECT_TRUE(text.empty());
}

TEST(CompactText, CharactersStayWhereTheyAre) {
  CompactText text("identifier");
  const char* const at = text.view().data();
  const CompactText moved = std::move(text);
  EXPECT_EQ(moved.view().data(), at);
  EXPECT_EQ(moved.view(), "identifier");
}

}  // namespace
}  // namespace martlet
