#include "base/toml_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace martlet {
namespace {

std::string fault(std::string_view text) {
  const auto checked = check_toml_text(text, "c.toml");
  return checked ? "" : checked.error().message;
}

TEST(TomlText, TakesCharactersInStringsAndComments) {
  for (const std::string_view text :
       {"", "a = 1\n",
        "\xEF\xBB\xBF"
        "a = 1",
        "# é\na = \"é\" # ü\n", "a = 'é\\' # é", "a = \"\\\"é\"", "\"é\" = 1",
        "a = \"\"\"\né \" \"\" é\\\"\"\" é\"\"\"\"\" # é", "a = '''é ' '' é'''", "a = '''é''''' # é",
        "a = [\"é\", 'é']", "a = \"\\\\\" # é", "a = \"unclosed é", "a = \"\" # é", "a = '' # é"}) {
    EXPECT_EQ(fault(text), "") << text;
  }
}

TEST(TomlText, RefusesCharactersOutsideWithTheirPlace) {
  EXPECT_EQ(fault("a = 1\nb = \xE2\x80\x9Cx\xE2\x80\x9D"),
            "c.toml:2:5: the character \"\xE2\x80\x9C\" may stand in quotes and comments only: it is no quotation mark "
            "of TOML: write \"");
  // The column counts characters.
  EXPECT_TRUE(fault("a = \"ää\" ö").starts_with("c.toml:1:10: the character \"ö\"")) << fault("a = \"ää\" ö");
  EXPECT_TRUE(fault("a = 9\"é\"").starts_with("c.toml:1:7: ")) << "no text begins inside a number";
  EXPECT_TRUE(fault("\"\"é = 1").starts_with("c.toml:1:3: "));
  EXPECT_TRUE(fault("a = '\\'é").starts_with("c.toml:1:8: ")) << "a literal has no escapes";
  EXPECT_TRUE(fault("a = \"\"\"x\"\"\" é").starts_with("c.toml:1:13: "));
  EXPECT_TRUE(fault("a = \"x\né").starts_with("c.toml:2:1: ")) << "a short text ends with its line";
  EXPECT_TRUE(fault("a = 1 # x\né").starts_with("c.toml:2:1: "));
  EXPECT_TRUE(fault("a =\xC2\xA0"
                    "1")
                  .ends_with("write a plain one"));
  EXPECT_TRUE(fault("a = 1\n\xEF\xBB\xBF").starts_with("c.toml:2:1: ")) << "only one in front is a mark";
}

TEST(TomlText, RefusesWhatIsNotUtf8Anywhere) {
  for (const std::string_view text :
       {"a = \"\xE9\"", "#   \xC0\x80", "a = '\xED\xA0\x80'", "a = \"\\\xFF\"", "    \xE2"}) {
    EXPECT_TRUE(fault(text).find("is not UTF-8: save the file") != std::string::npos) << fault(text);
  }
  EXPECT_EQ(fault("# fine\nname = \"caf\xE9\""),
            "c.toml:2:12: the byte 0xe9 is not UTF-8: save the file in that encoding");
}

TEST(TomlText, ErrorsOfTheParserSayWhatToDo) {
  EXPECT_EQ(
      toml_fault("c.toml", 3, "Error while parsing value: could not determine value type").message,
      "c.toml:3: Error while parsing value: could not determine value type; a text stands in quotes, as in user = "
      "\"martlet\"");
  EXPECT_EQ(toml_fault("c.toml", 3, "something else").message, "c.toml:3: something else");
}

TEST(TomlText, InAsciiItHasTheSameStructure) {
  EXPECT_EQ(toml_in_ascii("a = 'b' # c"), "");
  EXPECT_EQ(toml_in_ascii("\xEF\xBB\xBF"
                          "a = 1"),
            "");
  EXPECT_EQ(toml_in_ascii("\xEF\xBB\xBF"
                          "a = 'ß'"),
            "a = '!c3!9f'");
}

TEST(TomlText, AParserSeesNoForeignCharacterThatItWouldStumbleOver) {
  std::vector<std::string> seen;
  const auto parse = [&](std::string_view text) -> std::optional<int> {
    seen.emplace_back(text);
    return text.find("9!") == std::string_view::npos ? std::optional(1) : std::nullopt;
  };
  EXPECT_FALSE(parse_toml_text("a = 9ß", parse).has_value());
  EXPECT_THAT(seen, ::testing::ElementsAre("a = 9!c3!9f"));
  seen.clear();
  EXPECT_TRUE(parse_toml_text("a = 'ß'", parse).has_value());
  EXPECT_THAT(seen, ::testing::ElementsAre("a = '!c3!9f'", "a = 'ß'"));
  seen.clear();
  EXPECT_TRUE(parse_toml_text("a = 'b'", parse).has_value());
  EXPECT_THAT(seen, ::testing::ElementsAre("a = 'b'"));
}

}  // namespace
}  // namespace martlet
