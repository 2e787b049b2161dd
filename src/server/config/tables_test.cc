// The tables of listeners, providers and rules, and the environment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "server/config/complete.h"
#include "server/config/effective.h"
#include "server/config/log_levels.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// All errors of a file.
ConfigErrors errors_of(std::string_view text, ServerConfig config = {}) {
  ConfigErrors errors = apply_toml(config, text, "c.toml");
  const ConfigErrors more = complete_config(config);
  errors.insert(errors.end(), more.begin(), more.end());
  return errors;
}

ServerConfig config_of(std::string_view text, std::string_view name = "c.toml") {
  ServerConfig config;
  EXPECT_THAT(apply_toml(config, text, name), IsEmpty());
  EXPECT_THAT(complete_config(config), IsEmpty());
  return config;
}

constexpr std::string_view kEveryListenerKey = R"(
[[listener]]
address = "127.0.0.1:8883"
name = "tls"
protocol = "ws"
versions = ["3.1.1", "5.0"]
mount_point = "site/"
proxy_protocol = true
proxy_trusted = ["10.0.0.0/8", "::1"]
max_connections = 5
max_packet_size = "2 KiB"
receive_maximum = 6
topic_alias_maximum = 7
maximum_qos = 1
keep_alive_max = "60s"
retain_available = false
allow_anonymous = false
username_as_client_id = true
identity = "subject"
tls.certificate = "a.crt"
tls.key = "a.key"
tls.more_certificates = ["b.pem"]
tls.client_ca = "ca"
tls.client_ca_dir = "ca.d"
tls.crl = "crl"
tls.require_certificate = true
tls.min_version = "1.3"
tls.ciphers = "X"
tls.cipher_suites = "Y"
tls.dh = "dh"
tls.psk_file = "psk"
tls.psk_hint = "hint"
tls.key_log = "log"
tls.session_resumption = false
[listener.websocket]
path = "/x"
origins = ["https://a"]
max_header = "4 KiB"
)";

TEST(ListenerTable, EveryKeyReachesItsField) {
  const ServerConfig config = config_of(kEveryListenerKey);
  ASSERT_EQ(config.listeners.size(), 1u);
  const ListenerConfig& listener = config.listeners[0];
  EXPECT_EQ(listener.name, "tls");
  EXPECT_EQ(listener.protocol, ListenerProtocol::ws);
  EXPECT_THAT(listener.proxy_trusted, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_EQ(listener.identity, ListenerIdentity::subject);
  EXPECT_EQ(listener.tls.certificate, "a.crt");
  EXPECT_EQ(listener.tls.key, "a.key");
  EXPECT_THAT(listener.tls.more_certificates, ElementsAre("b.pem"));
  EXPECT_EQ(listener.tls.client_ca_file, "ca");
  EXPECT_EQ(listener.tls.client_ca_dir, "ca.d");
  EXPECT_EQ(listener.tls.crl_file, "crl");
  EXPECT_TRUE(listener.tls.require_certificate);
  EXPECT_EQ(listener.tls.min_version, net::TlsVersion::v1_3);
  EXPECT_EQ(listener.tls.max_version, net::TlsVersion::v1_3);
  EXPECT_EQ(listener.tls.ciphers, "X");
  EXPECT_EQ(listener.tls.cipher_suites, "Y");
  EXPECT_EQ(listener.tls.dh_file, "dh");
  EXPECT_EQ(listener.tls.psk_file, "psk");
  EXPECT_EQ(listener.tls.psk_hint, "hint");
  EXPECT_EQ(listener.tls.key_log_file, "log");
  EXPECT_FALSE(listener.tls.session_resumption);
  EXPECT_EQ(listener.websocket.path, "/x");
  EXPECT_THAT(listener.websocket.origins, ElementsAre("https://a"));
  EXPECT_EQ(listener.websocket.max_header_bytes, 4096u);
}

TEST(ListenerTable, WhatIsAskedOfClientsGoesIntoThePolicy) {
  const ServerConfig config = config_of(kEveryListenerKey);
  const broker::ListenerPolicy policy = policy_of(config, config.listeners.at(0));
  EXPECT_EQ(policy.name, "tls");
  EXPECT_FALSE(policy.allow_v3_1);
  EXPECT_TRUE(policy.allow_v3_1_1);
  EXPECT_TRUE(policy.allow_v5_0);
  EXPECT_EQ(policy.mount_point, "site/");
  EXPECT_EQ(policy.max_connections, 5u);
  EXPECT_EQ(policy.endpoint.max_packet_bytes, 2048u);
  EXPECT_EQ(policy.endpoint.receive_maximum, 6);
  EXPECT_EQ(policy.endpoint.topic_alias_maximum, 7);
  EXPECT_EQ(policy.endpoint.maximum_qos, wire::QoS::at_least_once);
  EXPECT_EQ(policy.max_keep_alive_s, 60);
  EXPECT_FALSE(policy.endpoint.retain_available);
  EXPECT_TRUE(policy.username_as_client_id);
}

TEST(ListenerTable, WhatIsUnsetIsAsTheBrokersLimitsSay) {
  const ServerConfig config = config_of(
      "limits.receive_maximum = 9\nlimits.max_packet_size = \"3 KiB\"\nmqtt.keep_alive_max = \"30s\"\n"
      "mqtt.maximum_qos = 0\nmqtt.retain_available = false\nlimits.topic_alias_maximum = 3\n");
  const broker::ListenerPolicy policy = policy_of(config, config.listeners[0]);
  EXPECT_EQ(policy.endpoint.receive_maximum, 9);
  EXPECT_EQ(policy.endpoint.max_packet_bytes, 3072u);
  EXPECT_EQ(policy.max_keep_alive_s, 30);
  EXPECT_EQ(policy.endpoint.maximum_qos, wire::QoS::at_most_once);
  EXPECT_FALSE(policy.endpoint.retain_available);
  EXPECT_EQ(policy.endpoint.topic_alias_maximum, 3);
  EXPECT_TRUE(policy.allow_v3_1 && policy.allow_v3_1_1 && policy.allow_v5_0);
}

TEST(ListenerTable, UnixSockets) {
  const ServerConfig config = config_of("[[listener]]\naddress = \"unix:/run/m.sock\"\nunix_mode = \"0600\"\n");
  EXPECT_EQ(config.listeners[0].address, "unix:/run/m.sock");
  EXPECT_EQ(config.listeners[0].name, "unix:/run/m.sock");
  EXPECT_EQ(config.listeners[0].unix_mode, 0600u);
  EXPECT_EQ(config_of("[[listener]]\naddress = \"unix:/m\"\nunix_mode = 0o644\n").listeners[0].unix_mode, 0644u);
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"unix:\"\n"),
              ElementsAre(StartsWith("c.toml:2: listener 1: write a")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\nunix_mode = \"0600\"\n"),
              ElementsAre(StartsWith("c.toml:3: listener 1: unix_mode needs")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"unix:/m\"\nunix_mode = \"0888\"\n"),
              ElementsAre(HasSubstr("0000 to 0777")));
}

TEST(ListenerTable, ErrorsSayWhere) {
  EXPECT_THAT(errors_of("\n[[listener]]\nname = \"x\"\n"),
              ElementsAre(StartsWith("c.toml:2: listener 1 has no address")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:70000\"\n"),
              ElementsAre(StartsWith("c.toml:2: listener 1: ")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\n[[listener]]\naddress = \"127.0.0.1:1\"\n"),
              ElementsAre("c.toml:4: two listeners have the address 127.0.0.1:1: remove one"));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"1883\"\n"),
              ElementsAre(HasSubstr("c.toml:2: listener 1: address: \"1883\" is a port without an address: write")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\nname = \"a\"\n"
                        "[[listener]]\naddress = \"127.0.0.1:2\"\nname = \"a\"\n"),
              ElementsAre("c.toml:6: listener 2: name: listener 1 is called \"a\" too: give each a name of its own"));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\nmax_connections = \"100\"\n"),
              ElementsAre(HasSubstr("write it without quotes; it must be 0 to 4294967295")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\nprotocol = \"wss\"\n"),
              ElementsAre("c.toml:3: option \"protocol\" = wss: it must be one of mqtt, ws: did you mean \"ws\"?"));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\nversions = [\"3.1.1\", \"5\"]\n"),
              ElementsAre(HasSubstr("\"5\" is none of 3.1, 3.1.1, 5.0")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\nversions = \"5.0\"\n"),
              ElementsAre(HasSubstr("a list of 3.1, 3.1.1, 5.0")));
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\ntls.certifcate = \"x\"\n"),
              ElementsAre(HasSubstr("did you mean \"tls.certificate\"?")));
}

TEST(ListenerTable, WhatDoesNotGoTogether) {
  const auto errors_with = [](std::string_view keys) {
    return errors_of("[[listener]]\naddress = \"127.0.0.1:1\"\n" + std::string(keys));
  };
  EXPECT_THAT(errors_with("tls.client_ca = \"x\"\n"), ElementsAre(HasSubstr("tls.client_ca needs tls.certificate")));
  EXPECT_THAT(errors_with("tls.psk_file = \"x\"\ntls.key = \"x\"\n"), ElementsAre(StartsWith("c.toml:4: ")));
  EXPECT_THAT(errors_with("tls.certificate = \"x\"\ntls.require_certificate = true\n"),
              ElementsAre(HasSubstr("tls.require_certificate needs tls.client_ca")));
  EXPECT_THAT(errors_with("tls.certificate = \"x\"\ntls.crl = \"x\"\n"), ElementsAre(HasSubstr("tls.crl needs")));
  EXPECT_THAT(errors_with("tls.certificate = \"x\"\ntls.min_version = \"1.3\"\ntls.max_version = \"1.2\"\n"),
              ElementsAre(HasSubstr("newer than")));
  EXPECT_THAT(errors_with("identity = \"subject\"\n"), ElementsAre(HasSubstr("identity needs")));
  EXPECT_THAT(errors_with("proxy_trusted = [\"10.0.0.0/8\"]\n"), ElementsAre(HasSubstr("needs proxy_protocol")));
  EXPECT_THAT(errors_with("proxy_protocol = true\nproxy_trusted = [\"10.0.0/8\"]\n"),
              ElementsAre(StartsWith("c.toml:4: ")));
  EXPECT_THAT(errors_with("websocket.path = \"/x\"\n"),
              ElementsAre(HasSubstr("websocket.path needs protocol = \"ws\"")));
  EXPECT_THAT(errors_with("protocol = \"ws\"\nwebsocket.path = \"mqtt\"\n"),
              ElementsAre(AllOf(StartsWith("c.toml:4: "), HasSubstr("websocket.path \"mqtt\" is no path"))));
  EXPECT_THAT(errors_with("protocol = \"ws\"\nwebsocket.path = \"*\"\n"), IsEmpty());
  EXPECT_THAT(errors_with("mount_point = \"a/#\"\n"), ElementsAre(HasSubstr("mount_point")));
  EXPECT_THAT(errors_with("max_packet_size = \"64MiB\"\n"), ElementsAre(HasSubstr("limits.max_queued_bytes")));
  EXPECT_THAT(
      errors_with(
          "authentication = [\"stuff\"]\n[[authentication]]\nkind = \"file\"\nname = \"staff\"\npath = \"x\"\n"),
      ElementsAre("c.toml:3: listener 1: there is no [[authentication]] with the name \"stuff\": did you mean "
                  "\"staff\"?"));
  EXPECT_THAT(errors_with("tls.psk_file = \"x\"\nidentity = \"common_name\"\n[listener.websocket]\n"), IsEmpty());
}

TEST(AuthTables, KeysBelongToTheirKind) {
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"file\"\npath = \"x\"\nquery = \"SELECT 1\"\n"),
              ElementsAre("c.toml:4: authentication 1: key `query` is for kind = \"postgresql\", not for \"file\""));
  // Whatever the order of the keys.
  EXPECT_THAT(
      errors_of("[[authorization]]\nlenient_subscribe = true\npath = \"x\"\nkind = \"rules\"\n"),
      ElementsAre(StartsWith("c.toml:2: authorization 1: key `lenient_subscribe` is for kind = \"mosquitto\"")));
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"file\"\n"),
              ElementsAre("c.toml:1: authentication 1: kind = \"file\" needs path = \"users.txt\""));
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"ldap\"\nurl = \"ldap://x\"\n"),
              ElementsAre(HasSubstr("needs bind_dn")));
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"jwt\"\n"),
              ElementsAre(HasSubstr("secret_file, public_key_file")));
  EXPECT_THAT(errors_of("[[authentication]]\npath = \"x\"\n"),
              ElementsAre(StartsWith("c.toml:1: authentication 1: it has no kind")));
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"fil\"\n"), Contains(HasSubstr("did you mean \"file\"?")));
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"certificate\"\n[[authentication]]\nkind = \"certificate\"\n"),
              ElementsAre(HasSubstr("another one with the name \"certificate\"")));
}

TEST(AuthTables, SecretsAreNotInErrors) {
  const ConfigErrors errors = errors_of(
      "[[authentication]]\nkind = \"redis\"\nurl = \"tcp://user:hunter2@host\"\n"
      "[[authentication]]\nkind = \"http\"\nurl = [\"http://user:hunter2@host\"]\n");
  EXPECT_THAT(errors, Contains(HasSubstr("its url must begin with redis://")));
  for (const std::string& error : errors) EXPECT_THAT(error, Not(HasSubstr("hunter2")));
}

TEST(AuthTables, PathsAreTakenFromTheFilesDirectory) {
  const ServerConfig config = config_of(
      "server.data_dir = \"data\"\nserver.control = \"none\"\n"
      "[[authentication]]\nkind = \"file\"\npath = \"users\"\n"
      "[[authentication]]\nkind = \"jwt\"\njwks = \"keys.json\"\n"
      "[[authentication]]\nkind = \"jwt\"\nname = \"2\"\njwks = \"https://x/keys\"\nsecret_file = \"/etc/key\"\n"
      "[[listener]]\naddress = \"127.0.0.1:1\"\ntls.certificate = \"c\"\ntls.more_certificates = [\"d\", \"/e\"]\n",
      "/etc/martlet/c.toml");
  EXPECT_EQ(config.auth.providers[0].path, "/etc/martlet/users");
  EXPECT_EQ(config.auth.providers[1].jwks, "/etc/martlet/keys.json");
  EXPECT_EQ(config.auth.providers[2].jwks, "https://x/keys");
  EXPECT_EQ(config.auth.providers[2].secret_file, "/etc/key");
  EXPECT_EQ(config.listeners[0].tls.certificate, "/etc/martlet/c");
  EXPECT_THAT(config.listeners[0].tls.more_certificates, ElementsAre("/etc/martlet/d", "/e"));
  EXPECT_EQ(config.data_dir, "data");
  EXPECT_EQ(config.control, "none");
}

TEST(AuthTables, WhoMayComeWithoutAName) {
  const auto anonymous = [](std::string_view text) {
    const ServerConfig config = config_of(text);
    return auth_options_of(config).listeners.at(0).allow_anonymous;
  };
  constexpr std::string_view kProvider = "[[authentication]]\nkind = \"certificate\"\n";
  EXPECT_TRUE(anonymous(""));
  EXPECT_FALSE(anonymous(kProvider));
  EXPECT_TRUE(anonymous("auth.allow_anonymous = true\n" + std::string(kProvider)));
  EXPECT_FALSE(anonymous("auth.allow_anonymous = false\n"));
  EXPECT_TRUE(
      anonymous("auth.allow_anonymous = false\n[[listener]]\naddress = \"127.0.0.1:1\"\nallow_anonymous = true\n"));
  const ServerConfig config = config_of(
      "auth.workers = 2\nauth.max_waiting = 3\n"
      "[[listener]]\naddress = \"127.0.0.1:1\"\nauthentication = [\"certificate\"]\nidentity = \"fingerprint\"\n"
      "tls.certificate = \"c\"\ntls.client_ca = \"d\"\n" +
      std::string(kProvider));
  const auth::AuthOptions options = auth_options_of(config);
  EXPECT_EQ(options.workers, 2u);
  EXPECT_EQ(options.max_waiting, 3u);
  ASSERT_EQ(options.providers.size(), 1u);
  EXPECT_THAT(options.listeners[0].providers, ElementsAre("certificate"));
  EXPECT_TRUE(options.listeners[0].identity_from_tls);
  EXPECT_EQ(options.listeners[0].identity_name, auth::CertificateName::fingerprint);
}

template <class Table>
void expect_rows_set_their_own_fields(std::span<const Option<Table>> options) {
  std::set<std::string_view> names;
  for (const auto& option : options) {
    EXPECT_TRUE(names.insert(option.facts.name).second) << option.facts.name << " is there twice";
    EXPECT_TRUE(option.facts.description.ends_with('.')) << option.facts.name;
    Table table{};
    const std::string before = option.value_text(table);
    if (option.get) {
      option.set(table, option.get(table) == option.facts.max ? option.facts.min : option.facts.max);
    } else if (option.text) {
      option.text(table) = "something else";
    } else {
      option.list(table) = {"something else"};
    }
    EXPECT_NE(option.value_text(table), before) << option.facts.name;
    for (const auto& other : options) {
      if (&other == &option) continue;
      EXPECT_EQ(other.value_text(table), other.value_text(Table{}))
          << option.facts.name << " also changes " << other.facts.name;
    }
  }
}

TEST(Tables, RowsSetTheirOwnFields) {
  expect_rows_set_their_own_fields(listener_options());
  expect_rows_set_their_own_fields(provider_options());
  expect_rows_set_their_own_fields(access_options());
  expect_rows_set_their_own_fields(durability_options());
}

TEST(Global, ChecksOfAbuseAndLog) {
  EXPECT_THAT(errors_of("abuse.exempt = [\"10.0.0.0/8\", \"x\"]\n"),
              ElementsAre(StartsWith("c.toml:1: abuse.exempt: ")));
  EXPECT_THAT(errors_of("log.levels = [\"nett=debug\"]\n"), ElementsAre(HasSubstr("did you mean \"net\"?")));
  EXPECT_THAT(errors_of("log.levels = [\"net=loud\"]\n"), ElementsAre(HasSubstr("debug, info, warning, error")));
  EXPECT_THAT(errors_of("abuse.ban_time = \"2h\"\n"), ElementsAre(HasSubstr("abuse.ban_time_max")));
  EXPECT_THAT(errors_of("server.group = \"g\"\n"), ElementsAre(HasSubstr("needs server.user")));
  const auto level = parse_room_level("auth=warning");
  ASSERT_TRUE(level);
  EXPECT_EQ(level->room, "auth");
  EXPECT_EQ(level->level, broker::LogLevel::warning);
}

TEST(Environment, OverridesAndIsOverridden) {
  ServerConfig config;
  ASSERT_THAT(
      apply_toml(config, "limits.max_in_flight = 1\nlimits.receive_maximum = 1\nlog.level = \"info\"\n", "c.toml"),
      IsEmpty());
  ASSERT_THAT(apply_environment(config, {{"MARTLET_CONFIG", "x"},
                                         {"MARTLET_LIMITS_MAX_IN_FLIGHT", "2"},
                                         {"MARTLET_LIMITS_RECEIVE_MAXIMUM", "2"},
                                         {"MARTLET_ABUSE_EXEMPT", "10.0.0.0/8, ::1"}}),
              IsEmpty());
  ASSERT_TRUE(apply_assignment(config, "limits.receive_maximum=3"));
  EXPECT_EQ(config.broker.endpoint.max_in_flight, 2);
  EXPECT_EQ(config.broker.endpoint.receive_maximum, 3);
  EXPECT_THAT(config.abuse.exempt, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_EQ(config.places["log.level"], "c.toml:3");
  EXPECT_EQ(config.places["limits.max_in_flight"], "$MARTLET_LIMITS_MAX_IN_FLIGHT");
  EXPECT_EQ(config.places["limits.receive_maximum"], "--set");
}

TEST(Environment, WrongOnesAreErrors) {
  ServerConfig config;
  EXPECT_THAT(apply_environment(config, {{"MARTLET_LIMITS_MAX_INFLIGHT", "2"}}),
              ElementsAre(HasSubstr("did you mean \"MARTLET_LIMITS_MAX_IN_FLIGHT\"?")));
  EXPECT_THAT(apply_environment(config, {{"MARTLET_LIMITS_MAX_IN_FLIGHT", "many"}}),
              ElementsAre(StartsWith("$MARTLET_LIMITS_MAX_IN_FLIGHT: option \"limits.max_in_flight\" = many: ")));
}

TEST(Environment, EveryOptionHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const auto& option : server_options()) {
    const std::string name = environment_name(option.facts.name);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_NE(name, kConfigVariable);
  }
}

TEST(OptionValue, Lists) {
  constexpr OptionFacts kList{.name = "l", .kind = OptionKind::list, .description = ""};
  using Type = WrittenValue::Type;
  EXPECT_THAT(read_list(kList, {Type::untyped, " a , b"}).value(), ElementsAre("a", "b"));
  EXPECT_THAT(read_list(kList, {Type::untyped, " "}).value(), IsEmpty());
  EXPECT_THAT(read_list(kList, {Type::list, "an array", {"a,b", "c"}}).value(), ElementsAre("a,b", "c"));
  EXPECT_FALSE(read_list(kList, {Type::string, "a"}));
}

TEST(OptionValue, PasswordsInUrlsAreMasked) {
  EXPECT_EQ(masked_url("redis://u:p@h:1/2"), "redis://u:***@h:1/2");
  EXPECT_EQ(masked_url("redis://:p@h"), "redis://:***@h");
  EXPECT_EQ(masked_url("redis://secret@h"), "redis://***@h");
  EXPECT_EQ(masked_url("redis://u:p@ss@h"), "redis://u:***@h");
  EXPECT_EQ(masked_url("redis://u:p/w@h"), "redis://u:***@h");
  EXPECT_EQ(masked_url("postgresql://h/d?password=x"), "postgresql://h/d?***");
  EXPECT_EQ(masked_url("https://h/who?API_Token=x&y"), "https://h/who?***");
  EXPECT_EQ(masked_url("postgresql://h/d?sslmode=require"), "postgresql://h/d?sslmode=require");
  EXPECT_EQ(masked_url("https://h/a:b"), "https://h/a:b");
  EXPECT_EQ(masked_url("file"), "file");
}

}  // namespace
}  // namespace martlet::server
