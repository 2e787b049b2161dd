#include "server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/memory_files.h"

namespace martlet::server {
namespace {

using broker::LogLevel;
using testing::HasSubstr;

class FixedClock : public env::Clock {
 public:
  Now time{10'000, 1'795'500'000'123};
  Now now() override { return time; }
};

class LogTest : public testing::Test {
 protected:
  std::string taken() { return std::exchange(files.streams[env::Handle::standard_error], {}); }

  FixedClock clock;
  MemoryFiles files;
};

TEST_F(LogTest, TextLine) {
  LineLog log({}, clock, files);
  log.write(LogLevel::info, "client \"a\" is connected");
  EXPECT_EQ(taken(), "2026-11-24T06:00:00.123Z INFO client \"a\" is connected\n");
}

TEST_F(LogTest, JsonLine) {
  LineLog log({.format = LogFormat::json}, clock, files);
  log.write(LogLevel::warning, "client \"a\\b\"");
  EXPECT_EQ(taken(), R"({"time":"2026-11-24T06:00:00.123Z","level":"warning","message":"client \"a\\b\""})"
                     "\n");
}

TEST_F(LogTest, LessImportantLinesAreLeftOut) {
  LineLog log({.level = LogLevel::warning}, clock, files);
  EXPECT_FALSE(log.wants(LogLevel::info));
  EXPECT_TRUE(log.wants(LogLevel::error));
  log.write(LogLevel::info, "unwanted");
  EXPECT_EQ(taken(), "");
}

TEST_F(LogTest, StrangersCannotForgeALine) {
  LineLog text({}, clock, files);
  text.write(LogLevel::info, "client \"x\n2026-11-24T06:00:00.000Z ERROR forged\r\x1b[2J\x7f\"");
  EXPECT_EQ(taken(),
            "2026-11-24T06:00:00.123Z INFO client "
            "\"x\\x0a2026-11-24T06:00:00.000Z ERROR forged\\x0d\\x1b[2J\\x7f\"\n");
  LineLog json({.format = LogFormat::json}, clock, files);
  json.write(LogLevel::info, "a\"}\n{\"level\":\"error");
  EXPECT_THAT(taken(), HasSubstr(R"("message":"a\"}\u000a{\"level\":\"error"})"
                                 "\n"));
}

TEST_F(LogTest, UnicodeStaysUnlessItMisleads) {
  LineLog text({}, clock, files);
  text.write(LogLevel::info, "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xA6 back\\slash");
  EXPECT_THAT(taken(), HasSubstr("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xA6 back\\\\slash\n"));
  text.write(LogLevel::info, "\xC2\x9B \xE2\x80\xA8 \xE2\x80\xAE");  // C1 control, line separator, right to left
  EXPECT_THAT(taken(), HasSubstr("\\u{009b} \\u{2028} \\u{202e}\n"));
  LineLog json({.format = LogFormat::json}, clock, files);
  json.write(LogLevel::info, "\xC2\x9B\xE2\x80\xAE\xC3\xA4");
  EXPECT_THAT(taken(), HasSubstr("\\u009b\\u202e\xC3\xA4\""));
}

TEST_F(LogTest, BytesThatAreNotUtf8) {
  // Overlong, a surrogate, beyond Unicode, cut off, a lone continuation.
  const std::string broken = "\xC0\xAF|\xED\xA0\x80|\xF4\x90\x80\x80|\x80|\xE2\x82";
  LineLog text({}, clock, files);
  text.write(LogLevel::info, broken);
  EXPECT_THAT(taken(), HasSubstr("\\xc0\\xaf|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80|\\x80|\\xe2\\x82\n"));
  LineLog json({.format = LogFormat::json}, clock, files);
  json.write(LogLevel::info, broken);
  EXPECT_THAT(taken(), HasSubstr("\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd\\ufffd|\\ufffd|"));
}

TEST_F(LogTest, AFloodIsCutAndTold) {
  LineLog log({.lines_per_second = 2}, clock, files);
  for (int i = 0; i < 5; ++i) log.write(LogLevel::warning, "malformed");
  log.write(LogLevel::info, "other");
  log.write(LogLevel::error, "always");
  const std::string flooded = taken();
  EXPECT_EQ(std::count(flooded.begin(), flooded.end(), '\n'), 4) << flooded;

  clock.time.mono_ms += 1'000;
  log.write(LogLevel::error, "next second");
  EXPECT_EQ(taken(),
            "2026-11-24T06:00:00.123Z WARN ... 3 more warnings were left out (log.lines_per_second = 2)\n"
            "2026-11-24T06:00:00.123Z ERROR next second\n");
  log.write(LogLevel::warning, "again");
  EXPECT_EQ(taken(), "2026-11-24T06:00:00.123Z WARN again\n");
}

TEST_F(LogTest, WhatWasLeftOutIsToldAtTheEnd) {
  {
    LineLog log({.lines_per_second = 1}, clock, files);
    for (int i = 0; i < 3; ++i) log.write(LogLevel::info, "x");
    taken();
  }
  EXPECT_THAT(taken(), HasSubstr("INFO ... 2 more info lines were left out"));
}

TEST_F(LogTest, ErrorsAreNeverLeftOutAndZeroIsNoLimit) {
  LineLog strict({.lines_per_second = 1}, clock, files);
  for (int i = 0; i < 100; ++i) strict.write(LogLevel::error, "x");
  std::string text = taken();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 100);
  LineLog open({.lines_per_second = 0}, clock, files);
  for (int i = 0; i < 1'000; ++i) open.write(LogLevel::info, "x");
  text = taken();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1'000);
}

TEST_F(LogTest, ABrokenStandardErrorIsIgnored) {
  files.broken_streams = true;
  LineLog log({}, clock, files);
  log.write(LogLevel::error, "nobody hears this");
  files.broken_streams = false;
  log.write(LogLevel::error, "heard");
  EXPECT_THAT(taken(), HasSubstr("ERROR heard\n"));
}

TEST(UtcText, KnownTimes) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(951'782'399'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(utc_text(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace martlet::server
