#include "server/mosquitto/translate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/complete.h"
#include "server/config/effective.h"
#include "server/mosquitto/toml_writer.h"

namespace martlet::server::mosquitto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

Translation translated(const std::string& text, const std::vector<std::uint16_t>& ports = {}) {
  const Source source{[&](const std::string&) -> Result<std::string> { return text; },
                      [](const std::string&) -> Result<std::vector<std::string>> { return fail("no directory"); }};
  return translate_file("m.conf", source, ports);
}

ServerConfig config_of(const std::string& text, const std::vector<std::uint16_t>& ports = {}) {
  ServerConfig config;
  const Translation translation = translated(text, ports);
  EXPECT_THAT(apply_translation(config, translation), IsEmpty()) << translation.toml;
  EXPECT_THAT(complete_config(config), IsEmpty()) << translation.toml;
  return config;
}

const ReportLine& line_of(const Translation& translation, std::string_view key) {
  static const ReportLine none{"", "", "", Fate::no_equal, "not in the report"};
  for (const ReportLine& line : translation.report) {
    if (line.key == key) return line;
  }
  ADD_FAILURE() << key << " is not in the report";
  return none;
}

TEST(MosquittoTranslate, WithoutAListenerItIsForThisMachineAlone) {
  ServerConfig config = config_of("");
  ASSERT_THAT(config.listeners, SizeIs(1));
  EXPECT_EQ(config.listeners[0].address, "127.0.0.1:1883");
  EXPECT_EQ(config.auth.allow_anonymous, true);
  EXPECT_FALSE(config.auth.allow_anonymous_public);
  EXPECT_EQ(config.data_dir, "none");
  config = config_of("max_topic_alias 3\nprotocol mqtt\n", {1884, 1885});
  ASSERT_THAT(config.listeners, SizeIs(2));
  EXPECT_EQ(config.listeners[1].address, "127.0.0.1:1885");
  EXPECT_EQ(config_of("allow_anonymous false\n").auth.allow_anonymous, false);
  EXPECT_EQ(line_of(translated("allow_anonymous false\n"), "allow_anonymous").fate, Fate::changed);
}

TEST(MosquittoTranslate, Listeners) {
  const ServerConfig config = config_of(
      "listener 1884\nmax_connections -1\nmax_qos 1\nmax_topic_alias 0\nmount_point m/\nuse_username_as_clientid true\n"
      "listener 1885 ::1\nlistener 0 /run/m.sock\nlistener 1886\nsocket_domain ipv4\nprotocol websockets\n"
      "accept_protocol_versions 3, 5\nwebsockets_origin a\nwebsockets_origin b\n",
      {1999});
  ASSERT_THAT(config.listeners, SizeIs(4));
  EXPECT_EQ(config.listeners[0].address, "*:1884");
  EXPECT_EQ(config.listeners[0].max_connections, 0u);
  EXPECT_EQ(config.listeners[0].maximum_qos, wire::QoS::at_least_once);
  EXPECT_EQ(config.listeners[0].topic_alias_maximum, 0);
  EXPECT_EQ(config.listeners[0].mount_point, "m/");
  EXPECT_TRUE(config.listeners[0].username_as_client_id);
  EXPECT_EQ(config.listeners[1].address, "[::1]:1885");
  EXPECT_EQ(config.listeners[2].address, "unix:/run/m.sock");
  EXPECT_EQ(config.listeners[3].address, "0.0.0.0:1886");
  EXPECT_EQ(config.listeners[3].protocol, ListenerProtocol::ws);
  EXPECT_EQ(config.listeners[3].websocket.path, "*");
  EXPECT_THAT(config.listeners[3].websocket.origins, ElementsAre("a", "b"));
  EXPECT_THAT(config.listeners[3].versions, ElementsAre("3.1", "5.0"));
  EXPECT_EQ(config.auth.allow_anonymous, false);
}

TEST(MosquittoTranslate, TheDefaultListener) {
  EXPECT_EQ(config_of("port 1884\n").listeners[0].address, "*:1884");
  EXPECT_EQ(config_of("port 1884\n").auth.allow_anonymous, false);
  EXPECT_EQ(config_of("bind_address 127.0.0.1\n").listeners[0].address, "127.0.0.1:1883");
  EXPECT_EQ(config_of("max_connections 5\n").listeners[0].address, "*:1883");
  EXPECT_THAT(config_of("port 1884\nlistener 1885\n").listeners, SizeIs(2));
  EXPECT_THAT(config_of("max_topic_alias 3\nlistener 1885\n").listeners, SizeIs(1));
}

TEST(MosquittoTranslate, OpenDoorsStayOpen) {
  EXPECT_TRUE(config_of("listener 1884\nallow_anonymous true\n").auth.allow_anonymous_public);
  EXPECT_FALSE(config_of("listener 1884\n").auth.allow_anonymous_public);
  EXPECT_FALSE(config_of("listener 1884 127.0.0.1\nallow_anonymous true\n").auth.allow_anonymous_public);
}

TEST(MosquittoTranslate, UsersAndRules) {
  const ServerConfig config = config_of("listener 1884\npassword_file /etc/p\nacl_file a\n");
  ASSERT_THAT(config.auth.providers, SizeIs(1));
  EXPECT_EQ(config.auth.providers[0].kind, auth::ProviderKind::file);
  EXPECT_EQ(config.auth.providers[0].path, "/etc/p");
  ASSERT_THAT(config.auth.access, SizeIs(1));
  EXPECT_EQ(config.auth.access[0].kind, auth::AccessKind::mosquitto);
  EXPECT_EQ(config.auth.access[0].path, "a") << "Mosquitto takes paths from the working directory";
  EXPECT_TRUE(config.auth.access[0].lenient_subscribe);
}

TEST(MosquittoTranslate, PerListenerSettings) {
  const std::string text =
      "per_listener_settings true\nlistener 1884\npassword_file p\nallow_anonymous false\n"
      "listener 1885 127.0.0.1\nallow_anonymous true\nacl_file a\n";
  const ServerConfig config = config_of(text);
  const auth::AuthOptions options = auth_options_of(config);
  EXPECT_FALSE(options.listeners[0].allow_anonymous);
  EXPECT_TRUE(options.listeners[1].allow_anonymous);
  EXPECT_THAT(options.listeners[0].providers, ElementsAre(options.providers[0].name));
  EXPECT_FALSE(config.auth.allow_anonymous_public);
  EXPECT_EQ(line_of(translated(text), "acl_file").fate, Fate::kept);
  ASSERT_THAT(config.auth.access, SizeIs(1));
  EXPECT_THAT(config.auth.access[0].listeners, ElementsAre(config.listeners[1].name));
  EXPECT_THAT(options.listeners[1].providers, ElementsAre("none")) << "users of one listener are not another's";
  EXPECT_THAT(translated("allow_anonymous true\nper_listener_settings true\n").errors,
              ElementsAre("m.conf:2: per_listener_settings must come before all other security settings"));
}

TEST(MosquittoTranslate, NoListenerIsOpenToMoreThanItWas) {
  const ServerConfig config = config_of("clientid_prefixes fleet-\nlistener 1884\nbind_interface eth0\n");
  EXPECT_EQ(config.listeners[0].interface, "eth0");
  EXPECT_EQ(config.broker.required_id_prefix, "fleet-");
}

TEST(MosquittoTranslate, WhatMosquittoTellsClients) {
  ServerConfig config = config_of("auto_id_prefix site-\n");
  EXPECT_EQ(config.broker.endpoint.receive_maximum, 20);
  EXPECT_EQ(config.broker.endpoint.max_in_flight, 20);
  EXPECT_EQ(config.broker.endpoint.topic_alias_maximum, 10);
  EXPECT_EQ(config.broker.max_keep_alive_s, 65'535);
  EXPECT_FALSE(config.broker.durability.announce);
  EXPECT_TRUE(config.broker.refuse_as_not_authorized);
  EXPECT_EQ(config.broker.assigned_id_prefix, "site-");
  config = config_of("max_inflight_messages 5\nmessage_size_limit 100\n");
  EXPECT_EQ(config.broker.endpoint.receive_maximum, 5);
  EXPECT_EQ(config.broker.max_payload_bytes, 100u);
}

TEST(MosquittoTranslate, Tls) {
  const ServerConfig config = config_of(
      "psk_file psk\nlistener 8883\ncertfile c\nkeyfile k\ncafile ca\ncrlfile crl\nrequire_certificate true\n"
      "use_subject_as_username true\ntls_version tlsv1.3\nciphers x\nciphers_tls1.3 y\ndhparamfile d\n"
      "listener 8884\npsk_hint h\nuse_identity_as_username true\n"
      "listener 8885\ncertfile c\nkeyfile k\ncafile ca\n");
  const net::TlsOptions& tls = config.listeners[0].tls;
  EXPECT_EQ(tls.certificate, "c");
  EXPECT_EQ(tls.key, "k");
  EXPECT_EQ(tls.client_ca_file, "ca");
  EXPECT_EQ(tls.crl_file, "crl");
  EXPECT_TRUE(tls.require_certificate);
  EXPECT_EQ(tls.min_version, net::TlsVersion::v1_3);
  EXPECT_EQ(tls.ciphers, "x");
  EXPECT_EQ(tls.cipher_suites, "y");
  EXPECT_EQ(tls.dh_file, "d");
  EXPECT_EQ(tls.psk_file, "") << "without psk_hint";
  EXPECT_EQ(config.listeners[0].identity, ListenerIdentity::subject);
  EXPECT_EQ(config.listeners[1].tls.psk_file, "psk");
  EXPECT_EQ(config.listeners[1].tls.psk_hint, "h");
  EXPECT_EQ(config.listeners[1].identity, ListenerIdentity::common_name);
  EXPECT_EQ(config.listeners[2].tls.client_ca_file, "") << "Mosquitto asks for certificates only if it requires them";
}

TEST(MosquittoTranslate, TlsThatHasNoEffectIsLeftOutAndTold) {
  const Translation translation = translated("listener 1\ncafile ca\nuse_identity_as_username true\npsk_hint h\n");
  for (const std::string_view key : {"cafile", "use_identity_as_username", "psk_hint"}) {
    EXPECT_EQ(line_of(translation, key).fate, Fate::changed) << key;
    EXPECT_THAT(line_of(translation, key).note, StartsWith("left out: ")) << key;
  }
  EXPECT_EQ(line_of(translated("listener 1\ncertfile c\nkeyfile k\ntls_version tlsv1.1\n"), "tls_version").fate,
            Fate::changed);
}

TEST(MosquittoTranslate, Limits) {
  ServerConfig config = config_of(
      "max_inflight_messages 0\nmax_inflight_bytes 5\nmax_queued_messages 0\nmax_queued_bytes 100000\n"
      "max_packet_size 2000\nmax_keepalive 60\npersistent_client_expiration 2w\nsys_interval 0\n"
      "queue_qos0_messages true\nretain_available false\nupgrade_outgoing_qos true\nallow_zero_length_clientid false\n"
      "allow_duplicate_messages true\nglobal_max_connections 7\n");
  EXPECT_EQ(config.broker.endpoint.max_in_flight, 65'535);
  EXPECT_EQ(config.broker.endpoint.receive_maximum, 65'535);
  EXPECT_EQ(config.broker.endpoint.max_in_flight_bytes, 5u);
  EXPECT_EQ(config.broker.endpoint.queue.max_owed_messages, 0u);
  EXPECT_EQ(config.broker.endpoint.queue.max_owed_bytes, 100'000u);
  EXPECT_EQ(config.broker.endpoint.queue.max_bytes, 100'000u);
  EXPECT_EQ(config.broker.endpoint.max_packet_bytes, 2000u);
  EXPECT_EQ(config.broker.max_keep_alive_s, 60);
  EXPECT_EQ(config.broker.max_session_expiry_s, 14u * 86'400);
  EXPECT_EQ(config.broker.session_expiry_3x_s, 14u * 86'400);
  EXPECT_EQ(config.broker.sys_interval_s, 0u);
  EXPECT_TRUE(config.broker.queue_qos0_offline);
  EXPECT_FALSE(config.broker.endpoint.retain_available);
  EXPECT_FALSE(config.broker.allow_empty_client_id);
  EXPECT_EQ(config.broker.overlap, broker::OverlapDelivery::separate);
  EXPECT_EQ(config.broker.max_connections, 7u);
  EXPECT_THAT(translated("upgrade_outgoing_qos true\n").toml, HasSubstr("upgrade_outgoing_qos = true"));
  EXPECT_EQ(config_of("").broker.endpoint.max_packet_bytes, 268'435'460u) << "Mosquitto has no limit by default";
  EXPECT_EQ(config_of("max_packet_size 20\n").broker.endpoint.max_packet_bytes, 20u);
  EXPECT_THAT(translated("max_packet_size 19\n").errors, SizeIs(1));
  EXPECT_EQ(line_of(translated("max_queued_bytes 9\n"), "max_queued_bytes").fate, Fate::changed);
  EXPECT_EQ(line_of(translated("max_queued_bytes 99\nmax_packet_size 99\n"), "max_queued_bytes").fate, Fate::kept);
}

TEST(MosquittoTranslate, DataAndLog) {
  ServerConfig config = config_of(
      "persistence true\npersistence_location /var/lib/mosquitto/\nautosave_interval 60\nlog_type error\nlog_type "
      "warning\n");
  EXPECT_EQ(config.data_dir, "/var/lib/mosquitto/martlet-data");
  EXPECT_EQ(config.broker.durability.level, Durability::interval);
  EXPECT_EQ(config.log.level, broker::LogLevel::warning);
  EXPECT_EQ(config_of("persistence true\n").data_dir, "./martlet-data");
  EXPECT_EQ(config_of("persistence false\n").data_dir, "none");
  EXPECT_EQ(config_of("log_type all\n").log.level, broker::LogLevel::debug);
  EXPECT_EQ(config_of("log_dest none\n").log.level, broker::LogLevel::error);
  EXPECT_EQ(line_of(translated("log_dest file /x\n"), "log_dest").fate, Fate::no_equal);
  EXPECT_EQ(line_of(translated("log_dest stderr\n"), "log_dest").fate, Fate::kept);
}

TEST(MosquittoTranslate, EveryLineIsInTheReport) {
  const std::string text =
      "pid_file /run/m.pid\nmemory_limit 5\nplugin /usr/lib/mosquitto_dynamic_security.so\nplugin_opt_x hunter2\n"
      "listener 1\nhttp_dir /www\nbind_interface eth0\nconnection b\naddress h\nremote_password hunter2\n";
  const Translation translation = translated(text);
  EXPECT_THAT(translation.errors, IsEmpty());
  EXPECT_THAT(translation.report, SizeIs(10));
  EXPECT_TRUE(has_no_equal(translation));
  EXPECT_FALSE(has_no_equal(translated("listener 1\n")));
  EXPECT_THAT(line_of(translation, "plugin").note, HasSubstr("martlet passwd"));
  const std::string report = report_text(translation) + report_json(translation) + translation.toml;
  EXPECT_THAT(report, Not(HasSubstr("hunter2")));
  EXPECT_THAT(report, HasSubstr("no equal  m.conf:6: http_dir /www: files are not served"));
  EXPECT_THAT(report, HasSubstr(R"({"place":"m.conf:1","key":"pid_file","value":"/run/m.pid","fate":"no equal")"));
}

TEST(MosquittoTranslate, WrongValuesAreErrors) {
  EXPECT_THAT(translated("sys_interval often\n").errors,
              ElementsAre("m.conf:1: sys_interval must be a whole number from 0 to 86400"));
  EXPECT_THAT(translated("log_type loud\nlog_dest nowhere\nlog_dest file /x\n").errors, SizeIs(2));
  EXPECT_THAT(translated("allow_anonymous maybe\n").errors, ElementsAre(HasSubstr("true or false")));
  EXPECT_THAT(translated("persistent_client_expiration 5\n").errors, SizeIs(1));
  EXPECT_THAT(translated("persistent_client_expiration h\n").errors, SizeIs(1));
  EXPECT_THAT(translated("listener x\n").errors, SizeIs(1));
  EXPECT_THAT(translated("listener 1\nprotocol coap\n").errors, SizeIs(1));
  EXPECT_THAT(translated("listener 1\naccept_protocol_versions 6\n").errors, SizeIs(1));
}

TEST(MosquittoTranslate, ErrorsOfTheResultNameTheOriginalLines) {
  ServerConfig config;
  ASSERT_THAT(apply_translation(config, translated("listener 1\nmount_point a/+\n")), IsEmpty());
  EXPECT_THAT(complete_config(config), ElementsAre(StartsWith("m.conf:2: listener 1: mount_point")));
  EXPECT_THAT(
      apply_translation(config, translated("persistent_client_expiration 1h\nlistener 1\n\nmount_point \xFF\n")),
      ElementsAre(StartsWith("m.conf:4: ")));
}

TEST(TomlWriter, WritesAsAPersonWould) {
  TomlWriter writer;
  writer.set("limits.a", {"1", "x:1", "why"});
  writer.set("log.b", {"true", "", ""});
  writer.set("limits.a", {"2", "x:2", ""});
  const std::size_t table = writer.add_table("listener", "x:3");
  writer.set(table, "c", {quoted("q\"\\\n"), "x:4", ""});
  std::vector<std::string> origins;
  EXPECT_EQ(writer.text("head", origins),
            "# head\n\n[limits]\na = 2\n\n[log]\nb = true\n\n[[listener]]\nc = \"q\\\"\\\\\\u000A\"\n");
  EXPECT_THAT(origins, ElementsAre("", "", "", "x:2", "", "", "", "", "x:3", "x:4"));
}

}  // namespace
}  // namespace martlet::server::mosquitto
