#include "base/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace martlet {
namespace {

const std::vector<std::string_view> kNames = {
    "broker", "pub", "sub", "help", "limits.max_packet_size", "limits.max_queued_messages", "limits.max_queued_bytes"};

TEST(NearestName, FindsATypingError) {
  EXPECT_EQ(nearest_name("brokr", kNames), "broker");
  EXPECT_EQ(nearest_name("limits.max_paket_size", kNames), "limits.max_packet_size");
  EXPECT_EQ(nearest_name("limits.max_packetsize", kNames), "limits.max_packet_size");
}

TEST(NearestName, ASwapIsOneEdit) {
  EXPECT_EQ(nearest_name("hlep", kNames), "help");
  EXPECT_EQ(nearest_name("usb", kNames), "sub");
  EXPECT_EQ(nearest_name("hepx", kNames), "") << "two edits of four letters";
}

TEST(NearestName, FindsTheBeginningOfAName) {
  EXPECT_EQ(nearest_name("limits.max_qeued", kNames), "limits.max_queued_messages");
  EXPECT_EQ(nearest_name("limits.max_queued_b", kNames), "limits.max_queued_bytes");
  EXPECT_EQ(nearest_name("bro", kNames), "broker");
}

TEST(NearestName, TheFirstOfEquallyNearOnesWins) {
  EXPECT_EQ(nearest_name("xub", kNames), "pub");
}

TEST(NearestName, FarNamesAreNoHelp) {
  EXPECT_EQ(nearest_name("frobnicate", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'b'), kNames), "");
  EXPECT_EQ(suggestion("frobnicate", kNames), "");
}

TEST(NearestName, ASingleLetterIsNearToNothing) {
  const std::vector<std::string_view> levels = {"0", "1", "2"};
  EXPECT_EQ(nearest_name("3", levels), "");
}

TEST(NearestName, SuggestionIsReadyToAppend) {
  EXPECT_EQ(suggestion("helpp", kNames), ": did you mean \"help\"?");
}

}  // namespace
}  // namespace martlet
