#include "server/control/readable.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace martlet::server {
namespace {

using nlohmann::json;

TEST(Readable, ALineForEachFieldAndEachRow) {
  EXPECT_EQ(readable({{"ok", true}}), "done\n");
  EXPECT_EQ(readable({{"ok", true}, {"clients", 2}, {"version", "0.1.0"}}), "clients: 2\nversion: 0.1.0\n");
  EXPECT_EQ(readable({{"ok", true}, {"ban", json::array()}}), "ban: none\n");
  EXPECT_EQ(readable({{"ok", true}, {"ban", {{{"address", "192.0.2.0/24"}, {"seconds_left", 3}}}}}),
            "address=192.0.2.0/24 seconds_left=3\n");
  EXPECT_EQ(readable({{"error", {"a.toml:1: no", "a.toml:2: no"}}}), "error: a.toml:1: no\nerror: a.toml:2: no\n");
}

TEST(Readable, WhatStrangersChoseIsQuoted) {
  const json answer = {{"difference", {{{"client", "x would=allow\n\x1b[2J\""}, {"topic", ""}, {"user", "\xC2\x9B"}}}}};
  EXPECT_EQ(readable(answer), "client=\"x would=allow\\x0a\\x1b[2J\\\"\" topic=\"\" user=\"\\u{009b}\"\n");
  EXPECT_EQ(readable({{"error", "no\n\x1b[2J"}}), "error: no\\x0a\\x1b[2J\n");
}

TEST(SafeJson, IsJsonInAsciiForEveryByte) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  bytes += "\xC2\x9B\xE2\x80\xAE\xC3\xA4";
  const std::string line = safe_json({{"client", bytes}});
  for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7F) << static_cast<int>(c);
  const json again = json::parse(line);
  EXPECT_TRUE(again["client"].get<std::string>().ends_with("\xC2\x9B\xE2\x80\xAE\xC3\xA4"));
  EXPECT_NE(again["client"].get<std::string>().find("\x7F\xEF\xBF\xBD"), std::string::npos);
}

}  // namespace
}  // namespace martlet::server
