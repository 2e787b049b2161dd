#include "server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/printable.h"
#include "server/testing/blocked_files.h"
#include "server/testing/memory_files.h"

namespace martlet::server {
namespace {

using broker::LogLevel;
using testing::HasSubstr;
using testing::Not;

class FixedClock : public env::Clock {
 public:
  Now time{10'000, 1'795'500'000'123};
  Now now() override { return time; }
};

// Only a broken log lets a test wait that long.
constexpr int kPatienceMs = 60'000;

class LogTest : public testing::Test {
 protected:
  // What was written so far, once all of `log` is.
  std::string taken(LineLog& log) {
    EXPECT_TRUE(log.flush(kPatienceMs));
    return taken();
  }
  std::string taken() { return std::exchange(files.streams[env::Handle::standard_error], {}); }

  FixedClock clock;
  MemoryFiles files;
};

TEST_F(LogTest, TextLine) {
  LineLog log({}, clock, files);
  log.write(LogLevel::info, "client \"a\" is connected");
  EXPECT_EQ(taken(log), "2026-11-24T06:00:00.123Z INFO client \"a\" is connected\n");
}

TEST_F(LogTest, JsonLine) {
  LineLog log({.format = LogFormat::json}, clock, files);
  log.write(LogLevel::warning, "client \"a\\b\"");
  EXPECT_EQ(taken(log), R"({"time":"2026-11-24T06:00:00.123Z","level":"warning","message":"client \"a\\b\""})"
                        "\n");
}

TEST_F(LogTest, JsonHasTheSubjectsFacts) {
  LineLog log({.format = LogFormat::json}, clock, files);
  const broker::LogField more[] = {{"topic", "a\n"}, {"rule", ""}};
  log.room("broker").write(LogLevel::info, "text",
                           {"c\"\x1b\xff", "192.0.2.1:5", std::string(70'000, 'u'), "main", more});
  EXPECT_EQ(taken(log), R"({"time":"2026-11-24T06:00:00.123Z","level":"info","room":"broker","message":"text",)"
                        R"("client":"c\"\u001b\ufffd","address":"192.0.2.1:5","user":")" +
                            std::string(LineLog::kMaxFieldChars, 'u') +
                            R"(...","listener":"main","topic":"a\u000a"})"
                            "\n");
  LineLog text({}, clock, files);
  text.write(LogLevel::info, "client \"c\" at 192.0.2.1:5", {"c", "192.0.2.1:5", "u", "main", more});
  EXPECT_THAT(taken(text), testing::EndsWith("INFO client \"c\" at 192.0.2.1:5\n")) << "it has its facts in the text";
}

TEST_F(LogTest, LessImportantLinesAreLeftOut) {
  LineLog log({.level = LogLevel::warning}, clock, files);
  EXPECT_FALSE(log.wants(LogLevel::info));
  EXPECT_TRUE(log.wants(LogLevel::error));
  log.write(LogLevel::info, "unwanted");
  EXPECT_EQ(taken(log), "");
}

TEST_F(LogTest, StrangersCannotForgeALine) {
  LineLog text({}, clock, files);
  text.write(LogLevel::info, "client \"x\n2026-11-24T06:00:00.000Z ERROR forged\r\x1b[2J\x7f\"");
  EXPECT_EQ(taken(text),
            "2026-11-24T06:00:00.123Z INFO client "
            "\"x\\x0a2026-11-24T06:00:00.000Z ERROR forged\\x0d\\x1b[2J\\x7f\"\n");
  LineLog json({.format = LogFormat::json}, clock, files);
  json.write(LogLevel::info, "a\"}\n{\"level\":\"error");
  EXPECT_THAT(taken(json), HasSubstr(R"("message":"a\"}\u000a{\"level\":\"error"})"
                                     "\n"));
}

TEST_F(LogTest, UnicodeStaysUnlessItMisleads) {
  LineLog text({}, clock, files);
  text.write(LogLevel::info, "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xA6 back\\slash");
  EXPECT_THAT(taken(text), HasSubstr("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xA6 back\\slash\n"));
  text.write(LogLevel::info, "\xC2\x9B \xE2\x80\xA8 \xE2\x80\xAE");  // C1 control, line separator, right to left
  EXPECT_THAT(taken(text), HasSubstr("\\u{009b} \\u{2028} \\u{202e}\n"));
  LineLog json({.format = LogFormat::json}, clock, files);
  json.write(LogLevel::info, "\xC2\x9B\xE2\x80\xAE\xC3\xA4");
  EXPECT_THAT(taken(json), HasSubstr("\\u009b\\u202e\xC3\xA4\""));
}

TEST_F(LogTest, BytesThatAreNotUtf8) {
  // Overlong, a surrogate, beyond Unicode, cut off, a lone continuation.
  const std::string broken = "\xC0\xAF|\xED\xA0\x80|\xF4\x90\x80\x80|\x80|\xE2\x82";
  LineLog text({}, clock, files);
  text.write(LogLevel::info, broken);
  EXPECT_THAT(taken(text), HasSubstr("\\xc0\\xaf|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80|\\x80|\\xe2\\x82\n"));
  LineLog json({.format = LogFormat::json}, clock, files);
  json.write(LogLevel::info, broken);
  EXPECT_THAT(taken(json), HasSubstr("\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd\\ufffd|\\ufffd|"));
}

TEST_F(LogTest, AFloodIsCutAndTold) {
  LineLog log({.lines_per_second = 2}, clock, files);
  for (int i = 0; i < 5; ++i) log.write(LogLevel::warning, "malformed");
  log.write(LogLevel::info, "other");
  log.write(LogLevel::error, "always");
  const std::string flooded = taken(log);
  EXPECT_EQ(std::count(flooded.begin(), flooded.end(), '\n'), 4) << flooded;

  clock.time.mono_ms += 1'000;
  log.write(LogLevel::error, "next second");
  EXPECT_EQ(taken(log),
            "2026-11-24T06:00:00.123Z WARN ... 3 more warnings were left out (log.lines_per_second = 2)\n"
            "2026-11-24T06:00:00.123Z ERROR next second\n");
  log.write(LogLevel::warning, "again");
  EXPECT_EQ(taken(log), "2026-11-24T06:00:00.123Z WARN again\n");
}

TEST_F(LogTest, WhatWasLeftOutIsToldAtTheEnd) {
  {
    LineLog log({.lines_per_second = 1}, clock, files);
    for (int i = 0; i < 3; ++i) log.write(LogLevel::info, "x");
    taken(log);
  }
  EXPECT_THAT(taken(), HasSubstr("INFO ... 2 more info lines were left out"));
}

TEST_F(LogTest, ErrorsAreNeverLeftOutAndZeroIsNoLimit) {
  LineLog strict({.lines_per_second = 1}, clock, files);
  for (int i = 0; i < 100; ++i) strict.write(LogLevel::error, "x");
  std::string text = taken(strict);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 100);
  LineLog open({.lines_per_second = 0}, clock, files);
  for (int i = 0; i < 1'000; ++i) open.write(LogLevel::info, "x");
  text = taken(open);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1'000);
}

TEST_F(LogTest, ABrokenStandardErrorIsIgnored) {
  files.broken_streams = true;
  LineLog log({}, clock, files);
  log.write(LogLevel::error, "nobody hears this");
  ASSERT_TRUE(log.flush(kPatienceMs));
  files.broken_streams = false;
  log.write(LogLevel::error, "heard");
  EXPECT_THAT(taken(log), HasSubstr("ERROR heard\n"));
}

TEST_F(LogTest, WhatIsQuotedAlreadyStays) {
  LineLog log({}, clock, files);
  log.write(LogLevel::info, "client \"" + printable("bob\" at 10.9.9.9\n") + "\" is gone");
  EXPECT_THAT(taken(log), HasSubstr(R"(client "bob\" at 10.9.9.9\x0a" is gone)"
                                    "\n"));
}

TEST_F(LogTest, ALongEntryIsCut) {
  LineLog text({}, clock, files);
  text.write(LogLevel::info, std::string(70'000, 'x'));
  EXPECT_THAT(taken(text), HasSubstr("INFO " + std::string(LineLog::kMaxEntryChars, 'x') + "...\n"));
  LineLog json({.format = LogFormat::json}, clock, files);
  json.write(LogLevel::info, std::string(70'000, '"'));
  const std::string line = taken(json);
  EXPECT_THAT(line, HasSubstr("\\\"...\"}\n"));
  EXPECT_LT(line.size(), LineLog::kMaxEntryChars + 100);
}

TEST_F(LogTest, ADumpIsWrittenAsItIsAtAnyLevel) {
  LineLog log({.level = LogLevel::error}, clock, files, {.dump_bytes = 12});
  log.dump("one\ntwo\n");
  EXPECT_EQ(taken(log), "one\ntwo\n");
  log.dump("this is too large\n");
  EXPECT_EQ(taken(log), "");
  log.dump("three\n");
  EXPECT_EQ(taken(log), "three\n");
}

class StuckLogTest : public testing::Test {
 protected:
  static constexpr std::size_t kLineBytes = sizeof("2026-11-24T06:00:00.123Z INFO 0\n") - 1;

  FixedClock clock;
  BlockedFiles files;
};

TEST_F(StuckLogTest, LinesThatDoNotFitAreCountedAndTheCountIsLogged) {
  LineLog log({.lines_per_second = 0}, clock, files, {.waiting_bytes = 6 * kLineBytes});
  log.write(LogLevel::info, "0");
  files.wait_until_stuck();
  for (int i = 1; i < 10; ++i) log.write(LogLevel::info, std::to_string(i));
  files.release();
  ASSERT_TRUE(log.flush(kPatienceMs));
  EXPECT_THAT(files.written(), HasSubstr("INFO 5\n"));
  EXPECT_THAT(files.written(), Not(HasSubstr("INFO 6\n")));

  log.write(LogLevel::info, "x");
  ASSERT_TRUE(log.flush(kPatienceMs));
  EXPECT_THAT(files.written(), HasSubstr("INFO 5\n2026-11-24T06:00:00.123Z WARN ... 4 more lines were lost: standard "
                                         "error was not read in time\n2026-11-24T06:00:00.123Z INFO x\n"));
}

TEST_F(StuckLogTest, TheCountIsToldAtTheEnd) {
  {
    LineLog log({.lines_per_second = 0}, clock, files, {.waiting_bytes = kLineBytes, .stop_ms = kPatienceMs});
    for (int i = 0; i < 3; ++i) log.write(LogLevel::info, "0");
    files.release();
  }
  EXPECT_THAT(files.written(), HasSubstr("WARN ... 2 more lines were lost"));
}

TEST_F(StuckLogTest, ADumpIsLeftOutThatDoesNotFitWithThoseThatWait) {
  LineLog log({}, clock, files, {.dump_bytes = sizeof("first\nsecond\n") - 2});
  log.dump("first\n");
  log.dump("second\n");
  files.release();
  ASSERT_TRUE(log.flush(kPatienceMs));
  log.dump("third\n");
  ASSERT_TRUE(log.flush(kPatienceMs));
  EXPECT_EQ(files.written(),
            "first\n2026-11-24T06:00:00.123Z WARN a dump is left out: those before are not written yet, or it is too "
            "large\nthird\n");
}

TEST(UtcText, KnownTimes) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(951'782'399'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(utc_text(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace martlet::server
