#include "base/intern.h"

#include <gtest/gtest.h>

#include <string>

namespace martlet {
namespace {

TEST(Intern, TheSameTextIsTheSamePointerAndOutlivesItsSource) {
  const char* first = nullptr;
  {
    const std::string text = "rules.toml:12";
    first = intern(text);
    EXPECT_NE(first, text.c_str());
  }
  EXPECT_STREQ(first, "rules.toml:12");
  EXPECT_EQ(intern("rules.toml:12"), first);
  EXPECT_NE(intern("rules.toml:13"), first);
}

}  // namespace
}  // namespace martlet
