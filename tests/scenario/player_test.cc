// The runner itself: a scenario that is wrong must fail, at its line and with the reason.
#include "tests/scenario/player.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/support/text_value.h"

namespace martlet::scenario {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// "line: message" of the first difference, empty if there is none.
std::string play(const std::string& steps, bool sockets = false) {
  const Script script = parse_script("test.txt", "# A test.\n" + steps);
  const auto world = sockets ? make_socket_world(script.options) : make_memory_world(script.options);
  const auto failure = Player(script, *world).play();
  return failure ? fmt::format("{}: {}", failure->line, failure->message) : "";
}

const std::string kConnected = "A > CONNECT id=\"a\"\nA < CONNACK\n";
const std::string kSubscribed = kConnected + "A > SUBSCRIBE pid=1 filter=\"t\" qos=1\nA < SUBACK pid=1 reasons=1\n";

TEST(Player, AcceptsWhatIsRight) {
  EXPECT_EQ(play(kSubscribed), "");
  EXPECT_EQ(play(kSubscribed, true), "");
}

TEST(Player, ComparesMentionedFields) {
  EXPECT_THAT(play("A > CONNECT id=\"a\"\nA < CONNACK session-present=1"),
              StartsWith("3: session-present is 0, not 1"));
  EXPECT_THAT(play("A > CONNECT id=\"a\"\nA < PINGRESP"), StartsWith("3: it is a CONNACK"));
  EXPECT_THAT(play(kSubscribed + "A > PUBLISH topic=\"t\" payload=\"x\"\nA < PUBLISH topic=\"t\" payload=\"y\""),
              StartsWith("7: payload is \"x\", not \"y\""));
}

TEST(Player, ComparesFieldsThatAreNotMentionedWithTheirDefaults) {
  const std::string publish = kSubscribed + "A > PUBLISH topic=\"t\" content-type=\"c\"\n";
  EXPECT_THAT(play(publish + "A < PUBLISH topic=\"t\""), StartsWith("7: content-type=\"c\" was not expected"));
  EXPECT_THAT(play(publish + "A < PUBLISH topic=\"t\" content-type=none"), StartsWith("7: content-type is there"));
  EXPECT_EQ(play(publish + "A < PUBLISH topic=\"t\" ..."), "");
  EXPECT_EQ(play(publish + "A < PUBLISH topic=\"t\" content-type=*"), "");
  EXPECT_THAT(play(kSubscribed + "A > PUBLISH topic=\"t\" payload=\"x\"\nA < PUBLISH topic=\"t\""),
              StartsWith("7: payload=\"x\" was not expected"));
}

TEST(Player, ComparesUserPropertiesInOrder) {
  const std::string publish =
      kSubscribed + "A > PUBLISH topic=\"t\" user-property=\"a\":\"1\" user-property=\"b\":\"2\"\n";
  EXPECT_EQ(play(publish + "A < PUBLISH topic=\"t\" user-property=\"a\":\"1\" user-property=\"b\":\"2\""), "");
  EXPECT_THAT(play(publish + "A < PUBLISH topic=\"t\" user-property=\"b\":\"2\" user-property=\"a\":\"1\""),
              HasSubstr("user-property is"));
  EXPECT_THAT(play(publish + "A < PUBLISH topic=\"t\" user-property=\"a\":\"1\""), HasSubstr("occurs 2 times"));
}

TEST(Player, MissesWhatDidNotCome) {
  for (const bool sockets : {false, true}) {
    EXPECT_THAT(play(kConnected + "A < PINGRESP", sockets), HasSubstr("nothing came"));
    EXPECT_THAT(play(kConnected + "A closed", sockets), StartsWith("4: the broker did not close"));
  }
}

TEST(Player, MindsWhatNobodyExpected) {
  for (const bool sockets : {false, true}) {
    EXPECT_THAT(play(kConnected + "A > PINGREQ", sockets),
                HasSubstr("at the end A has an unexpected packet: PINGRESP"));
    EXPECT_THAT(play(kConnected + "A > PINGREQ\nA < nothing", sockets), HasSubstr("expected nothing"));
    EXPECT_THAT(play(kConnected + "A > PINGREQ\nA cut", sockets), HasSubstr("had come before the cut"));
    EXPECT_THAT(play(kConnected + "A > DISCONNECT", sockets), HasSubstr("the broker closed the connection of A"));
    EXPECT_THAT(play(kConnected + "A > raw 00 00\nA closed", sockets), HasSubstr("DISCONNECT reason=0x81"));
  }
}

TEST(Player, CapturesOnceAndCompares) {
  const std::string two = kSubscribed + "A > PUBLISH topic=\"t\" payload=\"1\"\nA < PUBLISH topic=\"t\" payload=$x\n" +
                          "A > PUBLISH topic=\"t\" payload=\"2\"\n";
  EXPECT_THAT(play(two + "A < PUBLISH topic=\"t\" payload=$x"), HasSubstr("payload is \"2\", not \"1\""));
  EXPECT_EQ(play(two + "A < PUBLISH topic=\"t\" payload=$y\ndiffer $x $y"), "");
  EXPECT_EQ(play(two + "A < PUBLISH topic=\"t\" payload=$!x"), "");
  EXPECT_THAT(play(two + "A < PUBLISH topic=\"t\" payload=$y\ndiffer $x $y $x"), HasSubstr("do not differ"));
}

TEST(Player, ComparesInAnyOrderAndRaw) {
  const std::string both = kConnected + "A > together {\nPINGREQ\nSUBSCRIBE pid=1 filter=\"t\"\n}\n";
  EXPECT_EQ(play(both + "A < any-order {\nSUBACK pid=1 reasons=0\nPINGRESP\n}"), "");
  EXPECT_THAT(play(both + "A < any-order {\nPINGRESP\nPINGRESP\n}"), HasSubstr("none of the lines"));
  EXPECT_EQ(play(both + "A < raw d0 00\nA < raw 90 04 00 01 00 00"), "");
  EXPECT_THAT(play(both + "A < raw d0 01"), HasSubstr("the bytes differ"));
}

TEST(Player, CountsVerdicts) {
  EXPECT_EQ(play(kConnected + "A > PUBLISH topic=\"t\"\nverdict no_subscriber=1"), "");
  EXPECT_THAT(play(kConnected + "verdict no_subscriber=1"), HasSubstr("recorded 0 times, not 1"));
  EXPECT_THAT(play(kConnected + "verdict nonsense=1"), HasSubstr("no verdict 'nonsense'"));
}

TEST(Player, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(play("nonsense"), HasSubstr("'nonsense' is no step"));
  EXPECT_THAT(play("A jumps"), HasSubstr("no action 'jumps'"));
  EXPECT_THAT(play("A > CONNECT idd=\"a\""), HasSubstr("CONNECT has no field 'idd'"));
  EXPECT_THAT(play("A > CONECT id=\"a\""), HasSubstr("there is no packet 'CONECT'"));
  EXPECT_THAT(play(kConnected + "A < CONNACK reason=funny"), HasSubstr("expected: CONNACK"));
  EXPECT_THROW(play("set nonsense=1"), test::TextError);
  EXPECT_THROW(play("A < any-order {"), test::TextError);
  EXPECT_THROW(play("only memory:"), test::TextError);
  EXPECT_THROW(parse_script("test.txt", "A opens\n"), test::TextError);
}

TEST(Player, LetsTimePassToTheMillisecond) {
  const std::string silent = "A > CONNECT id=\"a\" keepalive=2\nA < CONNACK\n";
  for (const bool sockets : {false, true}) {
    EXPECT_EQ(play(silent + "wait 2999ms\nA < nothing", sockets), "");
    EXPECT_EQ(play(silent + "wait 3s\nA < DISCONNECT reason=keep-alive-timeout\nA closed", sockets), "");
  }
}

}  // namespace
}  // namespace martlet::scenario
