#include "base/lazy.h"

#include <gtest/gtest.h>

#include <string>

namespace martlet {
namespace {

TEST(Lazy, ReadsAsTheDefaultWithoutMemory) {
  const Lazy<std::string> lazy;
  EXPECT_EQ(*lazy, "");
  EXPECT_TRUE(lazy->empty());
  EXPECT_FALSE(lazy.has_memory());
}

TEST(Lazy, KeepsWhatIsMade) {
  Lazy<std::string> lazy;
  lazy.make() = "one";
  lazy.make() += " two";
  EXPECT_EQ(*lazy, "one two");
  lazy.reset();
  EXPECT_EQ(*lazy, "");
  EXPECT_FALSE(lazy.has_memory());
}

TEST(Lazy, TakeMovesTheValueOut) {
  Lazy<std::string> lazy;
  EXPECT_EQ(lazy.take(), "");
  lazy.make() = "value";
  EXPECT_EQ(lazy.take(), "value");
  EXPECT_EQ(*lazy, "");
  EXPECT_FALSE(lazy.has_memory());
}

}  // namespace
}  // namespace martlet
