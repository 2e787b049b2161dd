#include "base/printable.h"

#include <gtest/gtest.h>

#include <string>

namespace martlet {
namespace {

std::string line_text(std::string_view text, std::size_t max_chars = kAllChars) {
  std::string out;
  append_line_text(out, text, max_chars);
  return out;
}

std::string json(std::string_view text, std::size_t max_chars = kAllChars) {
  std::string out;
  append_json_string(out, text, max_chars);
  return out;
}

TEST(Printable, OrdinaryTextStays) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("sensors/room 1/+"), "sensors/room 1/+");
  EXPECT_EQ(printable("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xA6"), "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\xA6");
}

TEST(Printable, QuotationMarksCannotBeEnded) {
  EXPECT_EQ(printable(R"(bob" at 10.9.9.9 is gone: x=")"), R"(bob\" at 10.9.9.9 is gone: x=\")");
  EXPECT_EQ(printable(R"(a\)"), R"(a\\)");
  EXPECT_EQ(printable(R"(\")"), R"(\\\")");
}

TEST(Printable, ControlsAreEscaped) {
  EXPECT_EQ(printable({"a\0b\n\r\t\x1B[2J\x7F", 11}), R"(a\x00b\x0a\x0d\x09\x1b[2J\x7f)");
  EXPECT_EQ(printable("\xC2\x80\xC2\x9B\xC2\x9F"), R"(\u{0080}\u{009b}\u{009f})");
  EXPECT_EQ(printable("\xC2\xA0"), "\xC2\xA0");
}

TEST(Printable, WhatTurnsTheReadingDirectionIsEscaped) {
  // U+2028, U+2029, U+202A, U+202E, U+2066, U+2069, U+200E, U+200F, U+061C
  EXPECT_EQ(printable("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\xE2\x80\xAE"), R"(\u{2028}\u{2029}\u{202a}\u{202e})");
  EXPECT_EQ(printable("\xE2\x81\xA6\xE2\x81\xA9\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C"),
            R"(\u{2066}\u{2069}\u{200e}\u{200f}\u{061c})");
}

TEST(Printable, BytesThatAreNotUtf8) {
  // Overlong, a surrogate, beyond Unicode, a lone continuation, cut off.
  EXPECT_EQ(printable("\xC0\xAF|\xED\xA0\x80|\xF4\x90\x80\x80|\x80|\xE2\x82"),
            R"(\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\x80|\xe2\x82)");
}

TEST(Printable, LongTextIsCutAndMarked) {
  EXPECT_EQ(printable(std::string(128, 'a')), std::string(128, 'a'));
  EXPECT_EQ(printable(std::string(129, 'a')), std::string(128, 'a') + "...");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 0), "...");
  // Characters count, not bytes; an escape is written whole or not at all.
  EXPECT_EQ(printable("\xC3\xA4\xC3\xA4\xC3\xA4", 2), "\xC3\xA4\xC3\xA4...");
  EXPECT_EQ(printable("\n\n\n", 8), R"(\x0a\x0a...)");
  EXPECT_EQ(printable("\n\n\n", 11), R"(\x0a\x0a...)");
  EXPECT_EQ(printable("a\"b", 2), "a...");
  EXPECT_LE(printable(std::string(70'000, '\x01')).size(), kShownChars + 3);
}

TEST(LineText, KeepsWhatPrintableWrote) {
  const std::string shown = "client \"" + printable("a\"\n\xE2\x80\xAE\\") + "\"";
  EXPECT_EQ(line_text(shown), shown);
  EXPECT_EQ(line_text("a\nb\xC2\x9B\xFF"), R"(a\x0ab\u{009b}\xff)");
  EXPECT_EQ(line_text("abcdef", 4), "abcd...");
}

TEST(JsonString, EscapesAndCuts) {
  EXPECT_EQ(json("a\"b\\c\n\xC2\x9B\xE2\x80\xAE\xC3\xA4"), R"(a\"b\\c\u000a\u009b\u202e)"
                                                           "\xC3\xA4");
  EXPECT_EQ(json("\xE2\x82|\x80"), R"(\ufffd\ufffd|\ufffd)");
  EXPECT_EQ(json("ab\"c", 3), "ab...");
}

}  // namespace
}  // namespace martlet
