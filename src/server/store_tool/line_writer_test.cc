#include "server/store_tool/line_writer.h"

#include <gtest/gtest.h>

namespace martlet::server {
namespace {

std::string line(bool json, bool full) {
  LineWriter writer(json, full);
  writer.begin("log");
  writer.number("position", 7);
  writer.text("topic", "a\"\n\xe2\x80\xae");
  writer.text("payload", std::string_view("\x00\xff", 2));
  writer.word("kind", "message");
  writer.flag("retain", true);
  writer.flag("unset", false);
  writer.time("received", 1'700'000'000'123);
  writer.time("never", 0);
  writer.begin_list("owed");
  for (const std::uint32_t key : {1u, 2u}) {
    writer.begin_item();
    writer.number("session", key);
    writer.numbers("identifiers", std::vector<std::uint32_t>(key - 1, 5));
    writer.end_item();
  }
  writer.end_list();
  writer.number("last", 1);
  return std::string(writer.end());
}

TEST(LineWriter, Text) {
  EXPECT_EQ(line(false, false),
            "log position=7 topic=\"a\\\"\\x0a\\u{202e}\" payload=\"\\x00\\xff\" kind=message retain=true "
            "received=2023-11-14T22:13:20.123Z owed=[session=1, session=2 identifiers=[5]] last=1\n");
}

TEST(LineWriter, Json) {
  EXPECT_EQ(line(true, false),
            "{\"table\":\"log\",\"position\":7,\"topic\":\"a\\\"\\u000a\\u202e\",\"payload_hex\":\"00ff\","
            "\"kind\":\"message\",\"retain\":true,\"received\":\"2023-11-14T22:13:20.123Z\","
            "\"owed\":[{\"session\":1},{\"session\":2,\"identifiers\":[5]}],\"last\":1}\n");
}

TEST(LineWriter, LongValuesAreCutUnlessAllIsWanted) {
  for (const bool json : {false, true}) {
    for (const bool full : {false, true}) {
      for (const char byte : {'x', '\xff'}) {
        LineWriter writer(json, full);
        writer.begin("log");
        writer.text("payload", std::string(1000, byte));
        const std::string_view shown = writer.end();
        EXPECT_EQ(shown.size() > 1000, full) << shown;
        EXPECT_EQ(shown.find("...") == std::string_view::npos, full) << shown;
      }
    }
  }
}

}  // namespace
}  // namespace martlet::server
