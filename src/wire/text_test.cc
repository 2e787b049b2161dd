#include "wire/text.h"

#include <gtest/gtest.h>

#include <string>

namespace martlet::wire {
namespace {

// The rules read from the Unicode standard's table 3-7, byte by byte, as an opponent for the fast one.
bool slow_valid(std::string_view text) {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
  const auto in = [](unsigned byte, unsigned low, unsigned high) { return byte >= low && byte <= high; };
  while (i < text.size()) {
    const unsigned a = at(i);
    const unsigned b = at(i + 1);
    const bool c = in(at(i + 2), 0x80, 0xBF);
    const bool d = in(at(i + 3), 0x80, 0xBF);
    if (in(a, 0x01, 0x7F))
      i += 1;
    else if (in(a, 0xC2, 0xDF) && in(b, 0x80, 0xBF))
      i += 2;
    else if (((a == 0xE0 && in(b, 0xA0, 0xBF)) || (in(a, 0xE1, 0xEC) && in(b, 0x80, 0xBF)) ||
              (a == 0xED && in(b, 0x80, 0x9F)) || (in(a, 0xEE, 0xEF) && in(b, 0x80, 0xBF))) &&
             c)
      i += 3;
    else if (((a == 0xF0 && in(b, 0x90, 0xBF)) || (in(a, 0xF1, 0xF3) && in(b, 0x80, 0xBF)) ||
              (a == 0xF4 && in(b, 0x80, 0x8F))) &&
             c && d)
      i += 4;
    else
      return false;
  }
  return true;
}

TEST(Text, AgreesWithTheSlowRulesOnEveryPairAndManyTriples) {
  for (const std::size_t lead : {0u, 5u, 7u, 8u, 13u}) {
    std::string text(lead, 'x');
    text.resize(lead + 4);
    for (unsigned a = 0; a < 256; ++a) {
      for (unsigned b = 0; b < 256; ++b) {
        text[lead] = static_cast<char>(a);
        text[lead + 1] = static_cast<char>(b);
        for (const unsigned c : {0x00u, 0x41u, 0x7Fu, 0x80u, 0xBFu, 0xC0u}) {
          text[lead + 2] = static_cast<char>(c);
          text[lead + 3] = static_cast<char>(c ^ 1);
          ASSERT_EQ(valid_text(text), slow_valid(text)) << lead << ' ' << a << ' ' << b << ' ' << c;
          const std::string_view shorter = std::string_view(text).substr(0, lead + 3);
          ASSERT_EQ(valid_text(shorter), slow_valid(shorter)) << lead << ' ' << a << ' ' << b << ' ' << c;
        }
      }
    }
  }
}

TEST(Text, TellsTheFlaws) {
  EXPECT_EQ(find_flaw(as_bytes("plain text of some length")), TextFlaw::none);
  EXPECT_EQ(find_flaw(as_bytes(std::string_view("a\0b", 3))), TextFlaw::null_character);
  EXPECT_EQ(find_flaw(as_bytes(std::string_view("\xC3\xA4\0", 3))), TextFlaw::null_character);
  EXPECT_EQ(find_flaw(as_bytes("\xED\xA0\x80")), TextFlaw::not_utf8);
  EXPECT_EQ(find_flaw(as_bytes("12345678\xC3")), TextFlaw::not_utf8);
  EXPECT_EQ(find_flaw({}), TextFlaw::none);
}

TEST(Text, KeepsByteOrderMarkAndNonCharacters) {
  EXPECT_TRUE(valid_text("\xEF\xBB\xBFtopic"));     // [MQTT-1.5.4-3]
  EXPECT_TRUE(valid_text("\xEF\xBF\xBF\x01\x7F"));  // discouraged, not forbidden
}

TEST(Text, FindsWildcardsAnywhere) {
  for (std::size_t length = 0; length < 40; ++length) {
    std::string text(length, '*');  // next to '+' and between the two
    EXPECT_FALSE(has_wildcard(as_bytes(text))) << length;
    for (std::size_t i = 0; i < length; ++i) {
      for (const char wildcard : {'+', '#'}) {
        std::string marked = text;
        marked[i] = wildcard;
        EXPECT_TRUE(has_wildcard(as_bytes(marked))) << length << ' ' << i;
      }
      for (const char other : {'\xAB', '\xA3', ',', '$', '"', '\0', '\xFF'}) {
        std::string marked = text;
        marked[i] = other;
        EXPECT_FALSE(has_wildcard(as_bytes(marked))) << length << ' ' << i << ' ' << int{other};
      }
    }
  }
}

TEST(Text, EveryPlaceOfEveryLengthIsLookedAt) {
  for (std::size_t size = 1; size <= 20; ++size) {
    const std::string plain(size, 'x');
    EXPECT_EQ(find_flaw(as_bytes(plain)), TextFlaw::none);
    EXPECT_FALSE(has_wildcard(as_bytes(plain)));
    for (std::size_t at = 0; at < size; ++at) {
      std::string text = plain;
      text[at] = '\0';
      EXPECT_EQ(find_flaw(as_bytes(text)), TextFlaw::null_character) << size << ' ' << at;
      text[at] = '\xFF';
      EXPECT_EQ(find_flaw(as_bytes(text)), TextFlaw::not_utf8) << size << ' ' << at;
      text[at] = at % 2 == 0 ? '+' : '#';
      EXPECT_TRUE(has_wildcard(as_bytes(text))) << size << ' ' << at;
    }
  }
}

}  // namespace
}  // namespace martlet::wire
