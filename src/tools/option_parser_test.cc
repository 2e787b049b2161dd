#include "tools/option_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tools/client_settings.h"
#include "tools/option_table.h"

namespace martlet::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using wire::PropertyId;
using wire::ProtocolVersion;
using wire::QoS;

class FakeFiles final : public env::Files {
 public:
  std::map<std::string, std::string> contents;

  Result<std::string> read_all(const std::string& path, std::size_t) override {
    const auto found = contents.find(path);
    return found == contents.end() ? Result<std::string>(fail("no file " + path)) : found->second;
  }
  Result<void> write_all(const std::string&, ByteView) override { return {}; }
  Result<void> append(const std::string&, ByteView) override { return {}; }
  env::IoOutcome read_some(env::Handle, std::span<std::uint8_t>) override { return {}; }
  Result<void> write_stream(env::Handle, ByteView) override { return {}; }
};

FakeFiles no_files;

Result<Settings> parse(Tool tool, std::vector<std::string_view> arguments, FakeFiles& files = no_files) {
  return parse_options(tool, arguments, files);
}

std::string error_of(Tool tool, std::vector<std::string_view> arguments, FakeFiles& files = no_files) {
  const auto settings = parse(tool, std::move(arguments), files);
  return settings ? "(accepted)" : settings.error().message;
}

TEST(OptionParser, ShortPub) {
  const auto settings = parse(kPub, {"-h", "::1", "-p", "1884", "-t", "a/b",    "-m", "hi", "-q", "2", "-r",
                                     "-k", "5",   "-u", "me",   "-P", "secret", "-i", "id", "-M", "7"})
                            .value();
  EXPECT_EQ(settings.host, "::1");
  EXPECT_EQ(settings.port, 1884);
  EXPECT_THAT(settings.topics, ElementsAre("a/b"));
  EXPECT_EQ(settings.source, MessageSource::text);
  EXPECT_EQ(settings.message, "hi");
  EXPECT_EQ(settings.qos, QoS::exactly_once);
  EXPECT_TRUE(settings.retain);
  EXPECT_EQ(settings.keep_alive_s, 5);
  EXPECT_EQ(settings.username, "me");
  EXPECT_EQ(settings.password, "secret");
  EXPECT_EQ(settings.client_id, "id");
  EXPECT_EQ(settings.max_in_flight, 7);
  EXPECT_EQ(settings.version, ProtocolVersion::v3_1_1);
}

TEST(OptionParser, LongSub) {
  const auto settings = parse(kSub, {"--topic",
                                     "a",
                                     "-t",
                                     "b/#",
                                     "--filter-out",
                                     "b/c",
                                     "--unsubscribe",
                                     "d",
                                     "--qos",
                                     "1",
                                     "-C",
                                     "3",
                                     "-W",
                                     "9",
                                     "-v",
                                     "-N",
                                     "-R",
                                     "--remove-retained",
                                     "--retain-as-published",
                                     "--retain-handling",
                                     "never",
                                     "-E",
                                     "--random-filter",
                                     "12.5",
                                     "--pretty",
                                     "-F",
                                     "%t",
                                     "--quiet",
                                     "--debug"})
                            .value();
  EXPECT_THAT(settings.topics, ElementsAre("a", "b/#"));
  EXPECT_THAT(settings.filtered_out, ElementsAre("b/c"));
  EXPECT_THAT(settings.unsubscribes, ElementsAre("d"));
  EXPECT_EQ(settings.count, 3u);
  EXPECT_EQ(settings.timeout_s, 9u);
  EXPECT_TRUE(settings.verbose && settings.skip_retained && settings.remove_retained && settings.retain_as_published);
  EXPECT_FALSE(settings.end_of_line);
  EXPECT_EQ(settings.retain_handling, 2);
  EXPECT_TRUE(settings.exit_after_subscribe && settings.pretty && settings.quiet && settings.debug);
  EXPECT_EQ(settings.shown_percent, 12.5);
  EXPECT_EQ(settings.version, ProtocolVersion::v5_0);  // --retain-as-published needs it
}

TEST(OptionParser, Versions) {
  for (const char* text : {"5", "mqttv5"}) {
    EXPECT_EQ(parse(kSub, {"-t", "a", "-V", text})->version, ProtocolVersion::v5_0);
  }
  for (const char* text : {"311", "mqttv311"}) {
    EXPECT_EQ(parse(kSub, {"-t", "a", "-V", text})->version, ProtocolVersion::v3_1_1);
  }
  for (const char* text : {"31", "mqttv31", "3.1"}) {
    EXPECT_EQ(parse(kSub, {"-t", "a", "-V", text})->version, ProtocolVersion::v3_1);
  }
  EXPECT_THAT(error_of(kSub, {"-t", "a", "-V", "4"}), HasSubstr("use 5, 311 or 31"));
  EXPECT_THAT(error_of(kSub, {"-t", "a", "-V", "311", "-x", "5"}), HasSubstr("-x needs protocol version 5"));
}

TEST(OptionParser, Url) {
  const auto settings = parse(kPub, {"-L", "mqtt://me:p%40ss@[::1]:1999/a/b", "-n"}).value();
  EXPECT_EQ(settings.host, "::1");
  EXPECT_EQ(settings.port, 1999);
  EXPECT_EQ(settings.username, "me");
  EXPECT_EQ(settings.password, "p@ss");
  EXPECT_THAT(settings.topics, ElementsAre("a/b"));
  const auto bare = parse(kSub, {"-L", "mqtt://host", "-t", "x"}).value();
  EXPECT_EQ(bare.port, 1883);
  EXPECT_FALSE(bare.username);
  EXPECT_THAT(bare.topics, ElementsAre("x"));
  EXPECT_THAT(error_of(kSub, {"-L", "mqtts://host/a"}), HasSubstr("mqtts:// is not supported yet"));
  EXPECT_THAT(error_of(kSub, {"-L", "host/a"}), HasSubstr("must look like mqtt://"));
  EXPECT_THAT(error_of(kSub, {"-L", "mqtt:///a"}), HasSubstr("no valid host"));
}

TEST(OptionParser, PropertiesOfEachPacket) {
  const auto settings = parse(kPub, {"-t",
                                     "a",
                                     "-m",
                                     "x",
                                     "--will-topic",
                                     "w",
                                     "-D",
                                     "publish",
                                     "content-type",
                                     "text/plain",
                                     "-D",
                                     "PUBLISH",
                                     "user-property",
                                     "k",
                                     "v",
                                     "-D",
                                     "publish",
                                     "user-property",
                                     "k",
                                     "v2",
                                     "-D",
                                     "will",
                                     "will-delay-interval",
                                     "5",
                                     "-D",
                                     "connect",
                                     "receive-maximum",
                                     "10",
                                     "-D",
                                     "connect",
                                     "session-expiry-interval",
                                     "60",
                                     "-D",
                                     "disconnect",
                                     "reason-string",
                                     "bye"})
                            .value();
  EXPECT_EQ(settings.version, ProtocolVersion::v5_0);
  const wire::Properties publish = settings.publish_properties.properties();
  EXPECT_EQ(publish.text(PropertyId::content_type), "text/plain");
  int pairs = 0;
  publish.for_each([&](const wire::Property& property) { pairs += property.id == PropertyId::user_property ? 1 : 0; });
  EXPECT_EQ(pairs, 2);
  EXPECT_EQ(settings.will_properties.properties().number(PropertyId::will_delay_interval), 5u);
  EXPECT_EQ(settings.disconnect_properties.properties().text(PropertyId::reason_string), "bye");
  const client::ClientOptions options = client_options(settings, 1);
  EXPECT_EQ(options.endpoint.receive_maximum, 10);
  EXPECT_EQ(options.properties.properties().number(PropertyId::session_expiry_interval), 60u);
  EXPECT_TRUE(options.client_id.empty());
}

TEST(OptionParser, PropertyErrorsNameWhatIsLegal) {
  const auto error = [](std::vector<std::string_view> property) {
    std::vector<std::string_view> arguments{"-t", "a", "-m", "x", "-D"};
    arguments.insert(arguments.end(), property.begin(), property.end());
    return error_of(kPub, arguments);
  };
  EXPECT_THAT(error({"publsh", "content-type", "x"}), HasSubstr("use one of connect, publish, will, disconnect"));
  EXPECT_THAT(error({"publish", "content-typ", "x"}), HasSubstr("did you mean 'content-type'?"));
  EXPECT_THAT(error({"connect", "will-delay-interval", "5"}), HasSubstr("does not go into connect"));
  EXPECT_THAT(error({"publish", "payload-format-indicator", "2"}), HasSubstr("no number from 0 to 1"));
  EXPECT_THAT(error({"publish", "message-expiry-interval", "-1"}), HasSubstr("no number from 0 to 4294967295"));
  EXPECT_THAT(error({"connect", "receive-maximum", "0"}), HasSubstr("from 1 to 65535"));
  EXPECT_THAT(error({"publish", "response-topic", "a/#"}), HasSubstr("no topic name"));
  EXPECT_THAT(error({"publish", "content-type"}), HasSubstr("-D needs"));
  EXPECT_THAT(error({"publish", "user-property", "k"}), HasSubstr("-D needs"));
  EXPECT_THAT(error({"publish", "content-type", "\xFF"}), HasSubstr("UTF-8"));
  EXPECT_THAT(error({"publish", "content-type", "a", "-D", "publish", "content-type", "b"}), HasSubstr("only once"));
}

TEST(OptionParser, SessionOptions) {
  const auto kept = parse(kSub, {"-t", "a", "-c", "-i", "me", "-V", "5"}).value();
  EXPECT_FALSE(kept.clean_start);
  EXPECT_EQ(kept.session_expiry_s, 0xFFFFFFFF);
  EXPECT_EQ(parse(kSub, {"-t", "a", "-x", "-1"})->session_expiry_s, 0xFFFFFFFF);
  EXPECT_EQ(parse(kSub, {"-t", "a", "-x", "\u221E"})->session_expiry_s, 0xFFFFFFFF);
  EXPECT_EQ(parse(kSub, {"-t", "a", "-x", "30"})->session_expiry_s, 30u);
  EXPECT_THAT(error_of(kSub, {"-t", "a", "-c"}), HasSubstr("-c needs -i"));
  EXPECT_THAT(error_of(kSub, {"-t", "a", "-i", "a", "-I", "b"}), HasSubstr("cannot be used together"));
}

TEST(OptionParser, ClientIdentifiers) {
  Settings settings = parse(kSub, {"-t", "a"}).value();
  EXPECT_EQ(client_options(settings, 0xABC).client_id, "martlet-000000000abc");
  EXPECT_LE(client_options(settings, UINT64_MAX).client_id.size(), 23u);
  settings = parse(kSub, {"-t", "a", "-I", "dev-"}).value();
  EXPECT_EQ(client_options(settings, 42).client_id, "dev-42");
}

TEST(OptionParser, UnknownOptionsNameTheNearest) {
  EXPECT_EQ(error_of(kPub, {"--topik", "a"}), "unknown option --topik; did you mean --topic?");
  EXPECT_EQ(error_of(kSub, {"--retained-onyl"}), "unknown option --retained-onyl; did you mean --retained-only?");
  EXPECT_EQ(error_of(kPub, {"--zzzzzz"}), "unknown option --zzzzzz");
  EXPECT_EQ(error_of(kPub, {"-C", "1"}), "-C is an option of martlet sub");
  EXPECT_THAT(error_of(kPub, {"-t", "a", "-m", "two", "words"}), HasSubstr("'words' is no option"));
  EXPECT_THAT(error_of(kPub, {"-t"}), HasSubstr("-t needs TOPIC behind it"));
}

TEST(OptionParser, UnsupportedOptionsSayWhatToDo) {
  EXPECT_EQ(error_of(kPub, {"--cafile", "x"}), "--cafile: TLS is not supported yet; connect to a plain MQTT port");
  EXPECT_EQ(error_of(kPub, {"--unix", "x"}), "--unix: Unix sockets are not supported; use -h and -p");
  EXPECT_THAT(error_of(kSub, {"-S"}), HasSubstr("-S: SRV"));
}

TEST(OptionParser, BadValues) {
  EXPECT_THAT(error_of(kPub, {"-p", "0"}), HasSubstr("--port: '0' is not valid"));
  EXPECT_THAT(error_of(kPub, {"-q", "3"}), HasSubstr("a QoS is 0, 1 or 2"));
  EXPECT_THAT(error_of(kPub, {"-k", "70000"}), HasSubstr("--keepalive"));
  EXPECT_THAT(error_of(kSub, {"-C", "x"}), HasSubstr("-C"));
  EXPECT_THAT(error_of(kSub, {"--random-filter", "nan"}), HasSubstr("percentage"));
  EXPECT_THAT(error_of(kPub, {"-m", "x", "-n"}), HasSubstr("only one of"));
  EXPECT_THAT(error_of(kPub, {"-t", "a/#", "-m", "x"}), HasSubstr("-t: 'a/#'"));
  EXPECT_THAT(error_of(kSub, {"-t", "a#"}), HasSubstr("-t: 'a#'"));
  EXPECT_THAT(error_of(kSub, {"-t", "a", "-T", "#/b"}), HasSubstr("-T: '#/b'"));
  EXPECT_THAT(error_of(kPub, {"-m", "x"}), HasSubstr("-t TOPIC"));
  EXPECT_THAT(error_of(kPub, {"-t", "x"}), HasSubstr("-m TEXT"));
  EXPECT_THAT(error_of(kSub, {}), HasSubstr("-t FILTER"));
  EXPECT_THAT(error_of(kSub, {"-t", "a", "-F", "%z"}), HasSubstr("'%z'"));
  EXPECT_THAT(error_of(kPub, {"-t", "a", "-m", "x", "--will-qos", "1"}), HasSubstr("--will-topic"));
  EXPECT_THAT(error_of(kPub, {"-t", "a", "-l", "--repeat", "2"}), HasSubstr("-l"));
  EXPECT_THAT(error_of(kPub, {"-t", "a", "-m", "x", "-P", "secret"}), HasSubstr("-P needs -u"));
}

TEST(OptionParser, OptionsFile) {
  FakeFiles files;
  files.contents["f"] =
      "# where\n-h example.org\n  -t   a topic with spaces \n-r\r\n\n-D publish user-property k two words\n"
      "-D publish content-type text/plain";
  const auto settings = parse(kPub, {"-o", "f", "-m", "x", "-h", "other"}, files).value();
  EXPECT_EQ(settings.host, "other");
  EXPECT_THAT(settings.topics, ElementsAre("a topic with spaces"));
  EXPECT_TRUE(settings.retain);
  const wire::Properties properties = settings.publish_properties.properties();
  EXPECT_EQ(properties.text(PropertyId::content_type), "text/plain");
  EXPECT_TRUE(properties.has(PropertyId::user_property));
  files.contents["bad"] = "-h x\n--prot 1\n";
  EXPECT_THAT(error_of(kPub, {"-o", "bad"}, files), HasSubstr("bad: unknown option --prot"));
  EXPECT_THAT(error_of(kPub, {"-o", "gone"}, files), HasSubstr("no file gone"));
}

TEST(OptionTable, HelpNamesEverySupportedOption) {
  for (const Tool tool : {kPub, kSub}) {
    const std::string help = help_text(tool);
    for (const OptionRow& row : option_table()) {
      if ((row.tools & tool) == 0 || !row.group) continue;
      EXPECT_THAT(help, HasSubstr(row.name()));
      EXPECT_THAT(help, HasSubstr(row.help));
    }
  }
}

TEST(OptionTable, NoNameStandsForTwoOptions) {
  for (const Tool tool : {kPub, kSub}) {
    for (const OptionRow& row : option_table()) {
      if ((row.tools & tool) == 0) continue;
      for (const char* name : {row.short_name, row.long_name}) {
        if (name) {
          EXPECT_EQ(find_option(name, tool), &row) << name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace martlet::tools
