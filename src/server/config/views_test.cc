// What is said about a configuration: explanations, changes, the values that hold.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/changes.h"
#include "server/config/complete.h"
#include "server/config/explain.h"
#include "server/config/show.h"

namespace martlet::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

ServerConfig config_of(std::string_view text) {
  ServerConfig config;
  EXPECT_THAT(apply_toml(config, text, "c.toml"), IsEmpty());
  EXPECT_THAT(complete_config(config), IsEmpty());
  return config;
}

TEST(Explain, OptionsOfSectionsAndArrays) {
  EXPECT_EQ(explain_option("limits.max_in_flight_bytes").value(),
            "limits.max_in_flight_bytes\n"
            "  Memory that these take for one client; one message always may; 0: no limit.\n"
            "  permitted:   0 B to 1 GiB, in bytes, KiB, MiB or GiB\n"
            "  default:     1 MiB\n"
            "  run time:    only a restart changes it\n"
            "  environment: MARTLET_LIMITS_MAX_IN_FLIGHT_BYTES\n"
            "  example:     [limits]\n"
            "               max_in_flight_bytes = \"1 MiB\"\n");
  const std::string query = explain_option("authentication.query").value();
  EXPECT_THAT(query, HasSubstr("only with:   kind = \"postgresql\"\n"));
  EXPECT_THAT(query, HasSubstr("[[authentication]]\n"));
  EXPECT_THAT(query, Not(HasSubstr("environment")));
  EXPECT_THAT(explain_option("listener.address").value(), HasSubstr("only a restart changes it"));
  EXPECT_THAT(explain_option("listener.tls").value(), HasSubstr("  listener.tls.key "));
  EXPECT_THAT(explain_option("durability.level").value(), HasSubstr("fsync"));
}

TEST(Explain, UnknownOnesGetTheNearest) {
  EXPECT_EQ(explain_option("limits.max_inflight").error().message,
            "unknown option \"limits.max_inflight\": did you mean \"limits.max_in_flight\"?");
  EXPECT_THAT(explain_option("listener.adress").error().message, HasSubstr("\"listener.address\""));
  EXPECT_FALSE(explain_option(""));
  EXPECT_THAT(explain_option("limit").error().message, HasSubstr("did you mean"));
  EXPECT_EQ(explain_option("max_packet_size").error().message,
            "unknown option \"max_packet_size\": did you mean \"limits.max_packet_size\" or "
            "\"listener.max_packet_size\"?");
  EXPECT_THAT(explain_option("lisener").error().message, HasSubstr("[[listener]]"));
}

TEST(Explain, JsonForPrograms) {
  EXPECT_THAT(explain_option_json("log.level").value(), HasSubstr("{\"name\":\"log.level\","));
  const std::string json = explain_option_json("authentication.query").value();
  EXPECT_THAT(json, HasSubstr("\"only_with\":\"kind = \\\"postgresql\\\"\",\"environment\":\"\""));
  EXPECT_THAT(json, HasSubstr("\"live\":true}\n"));
  EXPECT_THAT(explain_option_json("listener.tls").value(), HasSubstr("[{\"name\":\"listener.tls."));
  EXPECT_FALSE(explain_option_json("limit"));
}

TEST(Explain, ExamplesOfEachKind) {
  const std::string url = explain_option("authentication.url").value();
  EXPECT_THAT(url, HasSubstr("url = \"https://"));
  EXPECT_THAT(url, HasSubstr("url = \"ldaps://"));
}

TEST(Changes, LiveOnesAndThoseThatNeedARestart) {
  constexpr std::string_view kBefore =
      "[[listener]]\naddress = \"127.0.0.1:1\"\ntls.certificate = \"a\"\n[[listener]]\naddress = \"127.0.0.1:2\"\n";
  const ServerConfig before = config_of(kBefore);
  const OptionChanges none = changed_options(before, config_of(kBefore));
  EXPECT_THAT(none.live, IsEmpty());
  EXPECT_THAT(none.restart, IsEmpty());

  const OptionChanges changes = changed_options(
      before, config_of("log.level = \"debug\"\nserver.threads = 3\n"
                        "[[authentication]]\nkind = \"certificate\"\n[[authorization]]\nkind = \"jwt\"\n"
                        "[[durability]]\nfilter = \"a\"\n"
                        "[[listener]]\naddress = \"127.0.0.1:3\"\n"
                        "[[listener]]\naddress = \"127.0.0.1:1\"\ntls.certificate = \"b\"\nmount_point = \"x\"\n"));
  EXPECT_THAT(changes.live, UnorderedElementsAre("log.level", "listener 127.0.0.1:1: tls.certificate", "authentication",
                                                 "authorization"));
  EXPECT_THAT(changes.restart,
              UnorderedElementsAre("server.threads", "listener 127.0.0.1:1: mount_point",
                                   "listener 127.0.0.1:3: is new", "listener 127.0.0.1:2: is gone", "durability"));
}

TEST(Changes, ListenersOnPortZeroAreToldApartByName) {
  const auto with = [](std::string_view first, std::string_view second) {
    std::string text;
    for (const std::string_view name : {first, second}) {
      if (!name.empty()) text += fmt::format("[[listener]]\naddress = \"127.0.0.1:0\"\nname = \"{}\"\n", name);
    }
    return config_of(text).listeners;
  };
  const auto before = with("a", "b");
  const auto turned = with("b", "a");
  EXPECT_EQ(find_listener(turned, before[0], 0), &turned[1]);
  EXPECT_EQ(find_listener(turned, before[1], 1), &turned[0]);
  const auto fewer = with("b", "");
  EXPECT_EQ(find_listener(fewer, before[0], 0), nullptr);
  EXPECT_EQ(find_listener(fewer, before[1], 1), &fewer[0]);
  // Without names their places count.
  const ServerConfig plain =
      config_of("[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n");
  EXPECT_EQ(find_listener(plain.listeners, plain.listeners[1], 1), &plain.listeners[1]);
}

TEST(Show, ValuesAndWhereTheyComeFrom) {
  ServerConfig config =
      config_of("limits.max_in_flight = 7\n[[authentication]]\nkind = \"redis\"\nurl = \"redis://:hunter2@h\"\n");
  ASSERT_TRUE(apply_assignment(config, "log.level=debug"));
  const std::string text = config_text(config);
  EXPECT_THAT(text, HasSubstr("limits.max_in_flight = 7  (c.toml:1)\n"));
  EXPECT_THAT(text, HasSubstr("log.level = debug  (--set)\n"));
  EXPECT_THAT(text, HasSubstr("limits.receive_maximum = 1000  (default)\n"));
  EXPECT_THAT(text, HasSubstr("listener[0].address = 127.0.0.1:1883  (default)\n"));
  EXPECT_THAT(text, HasSubstr("authentication[0].url = redis://:***@h  (c.toml:4)\n"));
  const std::string json = config_json(config);
  EXPECT_THAT(json, HasSubstr(R"("limits.max_in_flight":{"value":"7","from":"c.toml:1"},)"));
  EXPECT_THAT(json, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace martlet::server
