#include "server/certificate_dates.h"

#include <gtest/gtest.h>

namespace martlet::server {
namespace {

using broker::LogLevel;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr std::int64_t kNow = 1'700'000'000'000;

std::optional<Notice> notice(std::int64_t life_ms, std::int64_t rest_ms) {
  return notice_of_dates({"certificate: 'c.pem'", kNow + rest_ms - life_ms, kNow + rest_ms, "BEGIN", "END"}, kNow);
}

TEST(CertificateDates, WarnsWhenLittleIsLeft) {
  EXPECT_FALSE(notice(365 * kDayMs, 14 * kDayMs));
  const auto late = notice(365 * kDayMs, 14 * kDayMs - 1);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->level, LogLevel::warning);
  EXPECT_EQ(late->text, "certificate: 'c.pem' expires in 13 days, on END: renew it");
}

TEST(CertificateDates, ShortLivedOnesAreLetLive) {
  EXPECT_FALSE(notice(90 * kDayMs, 29 * kDayMs));
  EXPECT_TRUE(notice(90 * kDayMs, 13 * kDayMs));
  EXPECT_FALSE(notice(6 * kDayMs, 2 * kDayMs));
  const auto late = notice(5 * kDayMs, kHourMs);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->text, "certificate: 'c.pem' expires in 1 hour, on END: renew it");
}

TEST(CertificateDates, OneThatIsOverIsAnError) {
  const auto over = notice(90 * kDayMs, 0);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->level, LogLevel::error);
  EXPECT_EQ(over->text, "certificate: 'c.pem' expired on END: clients refuse it; renew it");
}

TEST(CertificateDates, OneThatIsNotGoodYetIsMentioned) {
  const auto early = notice(90 * kDayMs, 91 * kDayMs);
  ASSERT_TRUE(early);
  EXPECT_EQ(early->level, LogLevel::warning);
  EXPECT_NE(early->text.find("good only from BEGIN"), std::string::npos);
}

}  // namespace
}  // namespace martlet::server
