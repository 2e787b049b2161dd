#include "server/config/documentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/posix/system.h"

namespace martlet::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Documentation, ThePageSaysWhatTheTableSays) {
  const auto page = env::posix::make_files()->read_all(MARTLET_DOCUMENTATION_DIR "/configuration.md", 1 << 20);
  ASSERT_TRUE(page) << page.error().message;
  const auto renewed = renew_page(*page);
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_EQ(*page, *renewed) << "run: martlet config docs docs/configuration.md";
}

TEST(Documentation, RowsShowDefaultRangeAndPurpose) {
  EXPECT_THAT(options_markdown(), StartsWith("### [server]\n\n| option | default |"));
  EXPECT_THAT(options_markdown(),
              HasSubstr("| `sys.interval` | `10s` | 1s to 1d, or never, in s, m, h or d |  | How often"));
  EXPECT_THAT(options_markdown(), HasSubstr("### [[listener]]\n"));
  EXPECT_THAT(options_markdown(), HasSubstr("| `log.level` | `info` | one of debug, info, warning, error | yes |"));
  EXPECT_THAT(options_markdown(), HasSubstr("user name. (kind = \"postgresql\") |"));
}

TEST(Documentation, RenewingKeepsTheRestOfThePage) {
  const std::string before = "# Title\n<!-- options: begin -->\noutdated rows\n<!-- options: end -->\nrest\n";
  const std::string after = renew_page(before).value();
  EXPECT_THAT(after, StartsWith("# Title\n<!-- options: begin -->\n\n### ["));
  EXPECT_TRUE(after.ends_with("<!-- options: end -->\nrest\n"));
  EXPECT_EQ(after.find("outdated rows"), std::string::npos);
  EXPECT_EQ(renew_page(after).value(), after);
  EXPECT_FALSE(renew_page("# Title\n"));
}

}  // namespace
}  // namespace martlet::server
