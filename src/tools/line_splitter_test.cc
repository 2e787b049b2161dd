#include "tools/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace martlet::tools {
namespace {

std::vector<std::string> split(std::string_view text, std::size_t piece_bytes) {
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter;
  for (; !text.empty(); text.remove_prefix(std::min(piece_bytes, text.size()))) {
    splitter.feed(text.substr(0, piece_bytes), take);
  }
  splitter.finish(take);
  return lines;
}

TEST(LineSplitter, AnyPiecesGiveTheSameLines) {
  const std::string_view text("one\n\ntwo\r\n three\0x\nlast", 23);
  const std::vector<std::string> expected{"one", "", "two\r", std::string(" three\0x", 8), "last"};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(split(text, piece), expected) << piece;
}

TEST(LineSplitter, EndOfLineAtTheEndAddsNoLine) {
  EXPECT_THAT(split("a\n", 10), ::testing::ElementsAre("a"));
  EXPECT_THAT(split("", 10), ::testing::IsEmpty());
}

}  // namespace
}  // namespace martlet::tools
