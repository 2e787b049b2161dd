#include "server/mosquitto/conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "server/mosquitto/keys.h"

namespace martlet::server::mosquitto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Files {
  std::map<std::string, std::string> files;

  Source source() const {
    return {[this](const std::string& path) -> Result<std::string> {
              const auto file = files.find(path);
              if (file == files.end()) return fail("cannot open '" + path + "'");
              return file->second;
            },
            [this](const std::string& path) -> Result<std::vector<std::string>> {
              std::vector<std::string> names;
              for (auto file = files.rbegin(); file != files.rend(); ++file) {
                if (file->first.starts_with(path + "/")) names.push_back(file->first.substr(path.size() + 1));
              }
              if (names.empty()) return fail("cannot open '" + path + "'");
              return names;
            }};
  }
};

struct Read {
  Conf conf;
  std::vector<std::string> errors;
};
Read read(std::string text, std::map<std::string, std::string> more = {}) {
  Files files{std::move(more)};
  files.files["m.conf"] = std::move(text);
  Read result;
  result.conf = read_conf("m.conf", files.source(), result.errors);
  return result;
}

std::vector<std::string> texts(const std::vector<Line>& lines) {
  std::vector<std::string> out;
  for (const Line& line : lines) out.push_back(line.place() + " " + line.key + "=" + line.value);
  return out;
}

TEST(MosquittoConf, SectionsAndScopes) {
  const Read result = read(
      "# comment\n\nport 1\nmax_packet_size 100\r\n  user   some body  \nallow_anonymous true\n"
      "listener 1884 127.0.0.1\nmax_connections 5\npassword_file p\nbind_address 192.0.2.1\n"
      "connection b\naddress h:1\ntopic # out 0\n"
      "listener 8080\nprotocol websockets\nauth_plugin x.so\nauth_opt_a b\n");
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(texts(result.conf.global), ElementsAre("m.conf:4 max_packet_size=100", "m.conf:5 user=some body",
                                                     "m.conf:6 allow_anonymous=true", "m.conf:9 password_file=p"));
  EXPECT_THAT(texts(result.conf.default_listener.lines),
              ElementsAre("m.conf:3 port=1", "m.conf:10 bind_address=192.0.2.1"));
  ASSERT_THAT(result.conf.listeners, SizeIs(2));
  EXPECT_EQ(result.conf.listeners[0].opening.value, "1884 127.0.0.1");
  EXPECT_THAT(texts(result.conf.listeners[0].lines), ElementsAre("m.conf:8 max_connections=5"));
  EXPECT_THAT(texts(result.conf.listeners[1].lines), ElementsAre("m.conf:15 protocol=websockets"));
  ASSERT_THAT(result.conf.bridges, SizeIs(1));
  EXPECT_THAT(texts(result.conf.bridges[0].lines), ElementsAre("m.conf:12 address=h:1", "m.conf:13 topic=# out 0"));
  EXPECT_THAT(result.conf.plugins, SizeIs(2));
}

TEST(MosquittoConf, PerListenerSettings) {
  const Read result =
      read("per_listener_settings true\nlistener 1\npassword_file p\nacl_file a\nlistener 2\nallow_anonymous true\n");
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_TRUE(result.conf.per_listener_settings);
  EXPECT_THAT(result.conf.global, SizeIs(1));
  EXPECT_THAT(texts(result.conf.listeners[0].lines), ElementsAre("m.conf:3 password_file=p", "m.conf:4 acl_file=a"));
  EXPECT_THAT(texts(result.conf.listeners[1].lines), ElementsAre("m.conf:6 allow_anonymous=true"));
}

TEST(MosquittoConf, IncludedFilesComeInMosquittosOrder) {
  const Read result = read("user first\ninclude_dir d\nuser last\n", {{"d/b.conf", "user b\n"},
                                                                      {"d/A.conf", "user A\n"},
                                                                      {"d/01.conf", "user 01\n"},
                                                                      {"d/B.conf", "user B"},
                                                                      {"d/a.conf", "user a\n"},
                                                                      {"d/x.txt", "nonsense\n"},
                                                                      {"d/.h.conf", "user h\n"},
                                                                      {"d/.conf", "nonsense\n"}});
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(texts(result.conf.global),
              ElementsAre("m.conf:1 user=first", "m.conf:2 include_dir=d", "d/.h.conf:1 user=h", "d/01.conf:1 user=01",
                          "d/A.conf:1 user=A", "d/a.conf:1 user=a", "d/B.conf:1 user=B", "d/b.conf:1 user=b",
                          "m.conf:3 user=last"));
}

TEST(MosquittoConf, ASectionEndsWithItsFile) {
  const Read result =
      read("listener 1\nconnection b\ninclude_dir d\nmax_qos 1\naddress h\n",
           {{"d/a.conf", "listener 2\nmax_qos 0\nconnection c\n"}, {"d/b.conf", "mount_point m\naddress i\n"}});
  EXPECT_THAT(texts(result.conf.listeners[0].lines), ElementsAre("m.conf:4 max_qos=1"));
  EXPECT_THAT(texts(result.conf.listeners[1].lines), ElementsAre("d/a.conf:2 max_qos=0"));
  EXPECT_THAT(texts(result.conf.default_listener.lines), ElementsAre("d/b.conf:1 mount_point=m"));
  EXPECT_THAT(texts(result.conf.bridges[0].lines), ElementsAre("m.conf:5 address=h"));
  EXPECT_THAT(result.errors, ElementsAre("d/b.conf:2: address belongs below a line `connection NAME`"));
}

TEST(MosquittoConf, Errors) {
  EXPECT_THAT(read("max_conections 1\n").errors,
              ElementsAre("m.conf:1: unknown option \"max_conections\": did you mean \"max_connections\"?"));
  EXPECT_THAT(read("\nuser\n").errors, ElementsAre("m.conf:2: user has no value"));
  EXPECT_THAT(read("remote_password hunter2\n").errors, ElementsAre("m.conf:1: remote_password belongs below a line "
                                                                    "`connection NAME`"));
  EXPECT_THAT(read("include_dir nowhere\n").errors, ElementsAre(AllOf(HasSubstr("m.conf:1: include_dir: cannot open"),
                                                                      HasSubstr("counts from the working directory"))));
  EXPECT_THAT(read("include_dir /nowhere\n").errors, ElementsAre(Not(HasSubstr("working directory"))));
  EXPECT_THAT(read("include_dir d\n", {{"d/a.conf", "include_dir d\n"}}).errors,
              ElementsAre("d/a.conf:1: include_dir works in the main file only"));
  EXPECT_THAT(read("[server]\ndata_dir = \"x\"\n").errors,
              ElementsAre(AllOf(HasSubstr("m.conf:1: "), HasSubstr("martlet broker --config FILE"))));
  std::string many;
  for (int i = 0; i < 500; ++i) many += "nonsense 1\n";
  EXPECT_THAT(read(many).errors, SizeIs(101));
  std::vector<std::string> errors;
  read_conf("none", Files{}.source(), errors);
  EXPECT_THAT(errors, ElementsAre("cannot open 'none'"));
}

TEST(MosquittoConf, SecretsAreNotShown) {
  const Read result =
      read("connection b\nremote_password hunter2\nbridge_psk hunter2\nplugin x\nplugin_opt_dsn hunter2\n");
  for (const Line& line : result.conf.bridges[0].lines) EXPECT_THAT(shown_value(line), Not(HasSubstr("hunter2")));
  EXPECT_EQ(shown_value(result.conf.plugins[0]), "x");
  EXPECT_EQ(shown_value(result.conf.plugins[1]), "...");
}

// Every option that the manual page mosquitto.conf(5) of 2.0.11 describes.
constexpr std::string_view kManualPage[] = {
    "acl_file",
    "address",
    "addresses",
    "allow_anonymous",
    "allow_duplicate_messages",
    "allow_zero_length_clientid",
    "auth_opt_x",
    "auth_plugin",
    "auth_plugin_deny_special_chars",
    "auto_id_prefix",
    "autosave_interval",
    "autosave_on_changes",
    "bind_address",
    "bind_interface",
    "bridge_alpn",
    "bridge_attempt_unsubscribe",
    "bridge_bind_address",
    "bridge_cafile",
    "bridge_capath",
    "bridge_certfile",
    "bridge_identity",
    "bridge_insecure",
    "bridge_keyfile",
    "bridge_max_packet_size",
    "bridge_outgoing_retain",
    "bridge_protocol_version",
    "bridge_psk",
    "bridge_require_ocsp",
    "bridge_tls_version",
    "cafile",
    "capath",
    "certfile",
    "check_retain_source",
    "ciphers",
    "ciphers_tls1.3",
    "cleansession",
    "clientid_prefixes",
    "connection",
    "connection_messages",
    "crlfile",
    "dhparamfile",
    "http_dir",
    "idle_timeout",
    "include_dir",
    "keepalive_interval",
    "keyfile",
    "listener",
    "local_cleansession",
    "local_clientid",
    "local_password",
    "local_username",
    "log_dest",
    "log_facility",
    "log_timestamp",
    "log_timestamp_format",
    "log_type",
    "max_connections",
    "max_inflight_bytes",
    "max_inflight_messages",
    "max_keepalive",
    "max_packet_size",
    "max_qos",
    "max_queued_bytes",
    "max_queued_messages",
    "max_topic_alias",
    "memory_limit",
    "message_size_limit",
    "mount_point",
    "notification_topic",
    "notifications",
    "notifications_local_only",
    "password_file",
    "per_listener_settings",
    "persistence",
    "persistence_file",
    "persistence_location",
    "persistent_client_expiration",
    "pid_file",
    "port",
    "protocol",
    "psk_file",
    "psk_hint",
    "queue_qos0_messages",
    "remote_clientid",
    "remote_password",
    "remote_username",
    "require_certificate",
    "restart_timeout",
    "retain_available",
    "round_robin",
    "set_tcp_nodelay",
    "socket_domain",
    "start_type",
    "sys_interval",
    "threshold",
    "tls_engine",
    "tls_engine_kpass_sha1",
    "tls_keyform",
    "tls_version",
    "topic",
    "try_private",
    "upgrade_outgoing_qos",
    "use_identity_as_username",
    "use_subject_as_username",
    "use_username_as_clientid",
    "user",
    "websockets_headers_size",
    "websockets_log_level",
};

TEST(MosquittoKeys, TheManualPageIsCovered) {
  for (const std::string_view name : kManualPage) EXPECT_NE(find_key(name), nullptr) << name;
}

TEST(MosquittoKeys, EveryOneHasANote) {
  for (const Key& key : keys()) EXPECT_FALSE(key.note.empty()) << key.name;
  EXPECT_EQ(find_key("auth_opt_"), find_key("auth_opt_x"));
  EXPECT_EQ(find_key("auth_op"), nullptr);
}

}  // namespace
}  // namespace martlet::server::mosquitto
