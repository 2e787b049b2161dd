// What mosquitto_sub 2.0 printed for the same messages and formats.
#include "tools/message_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace martlet::tools {
namespace {

using ::testing::HasSubstr;
using wire::PropertyId;
using wire::QoS;

constexpr env::posix::WallTime kTime{1'795'501'765, 804'284'936};  // 2026-11-24 06:29:25 UTC

class MessageFormatTest : public ::testing::Test {
 protected:
  MessageFormatTest() {
    setenv("TZ", "UTC", 1);
    plain.topic = "t/x";
    plain.payload = as_bytes("hello");
    plain.qos = QoS::at_least_once;
    plain.packet_id = 1;

    properties.add_text(PropertyId::content_type, "text/plain");
    properties.add_text(PropertyId::response_topic, "r/t");
    properties.add_binary(PropertyId::correlation_data, as_bytes("abc"));
    properties.add_number(PropertyId::payload_format_indicator, 1);
    properties.add_pair(PropertyId::user_property, "a", "b");
    properties.add_pair(PropertyId::user_property, "c", "d");
    properties.add_number(PropertyId::message_expiry_interval, 60);
    full = plain;
    full.properties = properties.properties();
  }

  static std::string write(const char* format, const wire::Publish& message, bool pretty = false) {
    std::string out;
    EXPECT_TRUE(MessageFormat::parse(format)->write(out, message, kTime, pretty));
    return out;
  }
  static std::string error_of(const char* format) {
    const auto parsed = MessageFormat::parse(format);
    return parsed ? "(accepted)" : parsed.error().message;
  }

  wire::Publish plain;
  wire::PropertyWriter properties;
  wire::Publish full;
};

TEST_F(MessageFormatTest, WidthsOfTextAndNumbers) {
  EXPECT_EQ(write("[%20t][%-20t][%020l][%-5l][%5.2t][%.2t]", plain),
            "[                 t/x][t/x                 ][00000000000000000005][5    ][   t/][t/]");
  EXPECT_EQ(write("%020t|%-020l|%0m|%5q|%5.t|%-.3t|%05%", plain),
            "                 t/x|5                   |1|1|     |t/x|%");
}

TEST_F(MessageFormatTest, PayloadWidthCutsAndPads) {
  EXPECT_EQ(write("[%10p][%-10p][%3p][%x][%5x][%05X][%.3p]", plain),
            "[     hello][hello     ][hel][68656c6c6f][ 6865][06865][hello]");
  EXPECT_EQ(write("[%020p][%-020p][%020x][%-20x][%4x][%07X]", plain),
            "[000000000000000hello][hello               ][00000000000000006865][6865                ][6865][0006865]");
}

TEST_F(MessageFormatTest, TimeInItsForms) {
  EXPECT_EQ(
      write("[%I][%40I][%U][@H:@M][@N]", plain),
      "[2026-11-24T06:29:25+0000][                2026-11-24T06:29:25+0000][1795501765.804284936][06:29][804284936]");
}

TEST_F(MessageFormatTest, AbsentPropertiesAreBlank) {
  EXPECT_EQ(write("[%10C][%A][%5A][%05E][%S][%4S][%F][%R][%5R][%P][%D]", plain),
            "[          ][][     ][00000][][    ][][][][][]");
}

TEST_F(MessageFormatTest, Properties) {
  EXPECT_EQ(write("[%4F][%10C][%-20C][%.3C][%010E][%-10E][%R][%12R][%.2R][%P][%D][%20D]", full),
            "[   1][text/plain][text/plain          ][tex][0000000060][60        ][r/t][         r/t][r/][a:b c:d][abc]"
            "[abc]");
}

TEST_F(MessageFormatTest, EscapesAndLiterals) {
  EXPECT_EQ(write("%% @@ \\\\ \\a\\e\\n\\r\\t\\v", plain), "% @ \\ \a\033\n\r\t\v");
  EXPECT_EQ(write("a\\0b", plain), std::string("a\0b", 3));
  EXPECT_EQ(write("%q%r%m%l", plain), "1015");
}

TEST_F(MessageFormatTest, BinaryPayloadAsItIs) {
  const std::string bytes("\0\xFF\n%", 4);
  plain.payload = as_bytes(bytes);
  EXPECT_EQ(write("%p", plain), bytes);
  EXPECT_EQ(write("%x %X", plain), "00ff0a25 00FF0A25");
}

TEST_F(MessageFormatTest, Json) {
  plain.qos = QoS::at_most_once;
  EXPECT_EQ(write("%j", plain),
            R"({"tst":"2026-11-24T06:29:25.804284Z+0000","topic":"t/x","qos":0,"retain":0,"payloadlen":5,)"
            R"("payload":"hello"})");
  plain.payload = {};
  EXPECT_THAT(write("%j", plain), HasSubstr(R"("payloadlen":0,"payload":null})"));
  EXPECT_EQ(write("%j", full),
            R"({"tst":"2026-11-24T06:29:25.804284Z+0000","topic":"t/x","qos":1,"retain":0,"payloadlen":5,"mid":1,)"
            R"("properties":{"content-type":"text/plain","response-topic":"r/t","correlation-data":"abc",)"
            R"("payload-format-indicator":1,"user-properties":{"a":"b","c":"d"},"message-expiry-interval":60},)"
            R"("payload":"hello"})");
}

TEST_F(MessageFormatTest, JsonEscapes) {
  const std::string payload = "\"\\/\b\f\n\r\t\x01\x7F\u00E9";
  plain.payload = as_bytes(payload);
  EXPECT_THAT(write("%j", plain), HasSubstr("\"payload\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7F\u00E9\"}"));
}

TEST_F(MessageFormatTest, JsonPayloadIsWrittenAgain) {
  plain.payload =
      as_bytes(R"(  {"a": [1, 2.0, 1e3, 0.1,123456789012, 1.5e300, true,null, "x\u00e9/\/"],"a":{} , "b":[]} )");
  EXPECT_THAT(
      write("%J", plain),
      HasSubstr("\"payload\":{\"a\":[1,2,1000,0.1,123456789012,1.5e+300,true,null,\"x\u00E9//\"],\"a\":{},\"b\":[]}}"));
  plain.payload = as_bytes("[0.30000000000000004,1.0000000000000002,1e-7,1E30]");
  EXPECT_THAT(write("%J", plain), HasSubstr("[0.3,1,1e-07,1e+30]"));
}

TEST_F(MessageFormatTest, PrettyJson) {
  plain.qos = QoS::at_most_once;
  plain.payload = as_bytes(R"({"a":[[],{},[{"x":1}]]})");
  EXPECT_EQ(
      write("%J", plain, true),
      "{\n\t\"tst\":\t\"2026-11-24T06:29:25.804284Z+0000\",\n\t\"topic\":\t\"t/"
      "x\",\n\t\"qos\":\t0,\n\t\"retain\":\t0,\n"
      "\t\"payloadlen\":\t23,\n\t\"payload\":\t{\n\t\t\"a\":\t[[], {\n\t\t\t}, [{\n\t\t\t\t\t\"x\":\t1\n\t\t\t\t}]]\n"
      "\t}\n}");
}

TEST_F(MessageFormatTest, PayloadThatIsNoJson) {
  for (const char* payload : {"not json", "[1] x", "[", "\"\xFF\""}) {
    plain.payload = as_bytes(payload);
    std::string out;
    EXPECT_FALSE(MessageFormat::parse("<%J>")->write(out, plain, kTime, false)) << payload;
    EXPECT_EQ(out, "<>");
  }
}

TEST_F(MessageFormatTest, DeepJsonDoesNotExhaustTheStack) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  plain.payload = as_bytes(deep);
  EXPECT_THAT(write("%J", plain), HasSubstr(deep));
}

TEST_F(MessageFormatTest, Errors) {
  EXPECT_THAT(error_of("%z"), HasSubstr("unknown sequence '%z'"));
  EXPECT_THAT(error_of("%5Q"), HasSubstr("unknown sequence '%Q'"));
  EXPECT_THAT(error_of("a%"), HasSubstr("'%' at the end"));
  EXPECT_THAT(error_of("a%05"), HasSubstr("ends within a % sequence"));
  EXPECT_THAT(error_of("a@"), HasSubstr("'@' at the end"));
  EXPECT_THAT(error_of("a\\"), HasSubstr("'\\' at the end"));
  EXPECT_THAT(error_of("\\q"), HasSubstr("unknown escape '\\q'"));
}

TEST_F(MessageFormatTest, PlainAndVerbose) {
  const auto plain_text = [](const wire::Publish& message, bool verbose, bool end_of_line) {
    std::string out;
    write_plain(out, message, verbose, end_of_line);
    return out;
  };
  EXPECT_EQ(plain_text(plain, false, true), "hello\n");
  EXPECT_EQ(plain_text(plain, false, false), "hello");
  EXPECT_EQ(plain_text(plain, true, true), "t/x hello\n");
  EXPECT_EQ(plain_text(plain, true, false), "t/x hello");
  plain.payload = {};
  EXPECT_EQ(plain_text(plain, false, true), "");
  EXPECT_EQ(plain_text(plain, true, true), "t/x (null)\n");
  EXPECT_EQ(plain_text(plain, true, false), "");
}

}  // namespace
}  // namespace martlet::tools
