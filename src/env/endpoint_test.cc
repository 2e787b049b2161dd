#include "env/endpoint.h"

#include <gtest/gtest.h>

namespace martlet::env {
namespace {

TEST(Endpoint, ReadsHostAndPort) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:1884", 1883).value(), (Endpoint{"127.0.0.1", 1884}));
  EXPECT_EQ(parse_endpoint("[::1]:1884", 1883).value(), (Endpoint{"::1", 1884}));
  EXPECT_EQ(parse_endpoint("localhost:0", 1883).value(), (Endpoint{"localhost", 0}));
  EXPECT_EQ(parse_endpoint("*:1884", 1883).value(), (Endpoint{"*", 1884}));
  EXPECT_EQ(parse_endpoint(":1884", 1883).value(), (Endpoint{"", 1884}));
}

TEST(Endpoint, KnowsUnixSockets) {
  const Endpoint socket = parse_endpoint("unix:/run/a:b.sock", 1883).value();
  EXPECT_EQ(socket, (Endpoint{"unix:/run/a:b.sock", 0}));
  EXPECT_EQ(unix_path(socket), "/run/a:b.sock");
  EXPECT_EQ(unix_path({"localhost", 1883}), "");
  EXPECT_FALSE(parse_endpoint("unix:", 1883).has_value());
}

TEST(Endpoint, FillsInTheDefaultPort) {
  EXPECT_EQ(parse_endpoint("localhost", 1883).value(), (Endpoint{"localhost", 1883}));
  EXPECT_EQ(parse_endpoint("[::1]", 1883).value(), (Endpoint{"::1", 1883}));
  EXPECT_EQ(parse_endpoint("2001:db8::1", 1883).value(), (Endpoint{"2001:db8::1", 1883}));
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text :
       {"", "host:", "host:x", "host:65536", "host:-1", "host: 1", "host:1x", "[::1", "[::1]1883", "[::1]:", "[]"}) {
    EXPECT_FALSE(parse_endpoint(text, 1883).has_value()) << text;
  }
}

TEST(Endpoint, SaysWhatIsWrong) {
  EXPECT_EQ(parse_endpoint("host:99999", 1883).error().message,
            "'host:99999': the port '99999' is not a number from 0 to 65535");
}

TEST(Endpoint, WritesWhatItReads) {
  for (const char* text : {"127.0.0.1:1883", "[::1]:1883", "localhost:1883", "*:1883", "unix:/run/m.sock"}) {
    EXPECT_EQ(to_text(parse_endpoint(text, 1).value()), text);
  }
  EXPECT_EQ(to_text({"", 1883}), "*:1883");
}

}  // namespace
}  // namespace martlet::env
