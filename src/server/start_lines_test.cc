#include "server/start_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/kept_log.h"

namespace martlet::server {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

ListenerConfig listener(const std::string& name, const std::string& address) {
  ListenerConfig config;
  config.name = name;
  config.address = address;
  return config;
}

TEST(StartLines, EachListenerSaysWhoMayComeInAndHow) {
  ServerConfig config;
  config.data_dir = kNoData;
  config.auth.providers.resize(2);
  config.auth.providers[0].name = "users";
  config.auth.providers[1].name = "directory";
  config.listeners = {listener("127.0.0.1:0", "127.0.0.1:0"), listener("web", "[::1]:8083"),
                      listener("unix:/run/m", "unix:/run/m"), listener("keys", "127.0.0.1:8884")};
  config.listeners[0].allow_anonymous = true;
  config.listeners[1].protocol = ListenerProtocol::ws;
  config.listeners[1].tls.certificate = "c.pem";
  config.listeners[1].tls.client_ca_file = "ca.pem";
  config.listeners[1].tls.require_certificate = true;
  config.listeners[1].identity = ListenerIdentity::common_name;
  config.listeners[2].authentication = {"directory"};
  config.listeners[2].proxy_protocol = true;
  config.listeners[3].tls.psk_file = "psk";
  KeptLog log;
  KeptLog net;
  log_start(config, {2, {"127.0.0.1:4000", "[::1]:8083", "/run/m", "127.0.0.1:8884"}, 100}, log, net);
  EXPECT_THAT(net.lines,
              ElementsAre("listener at 127.0.0.1:4000: mqtt, no tls; authentication: users, directory, anonymous",
                          "listener \"web\" at [::1]:8083: ws, tls, client certificate required; authentication: tls "
                          "identity",
                          "listener at /run/m: mqtt behind PROXY protocol, no tls; authentication: directory",
                          "listener \"keys\" at 127.0.0.1:8884: mqtt, tls with psk; authentication: users, directory"));
  EXPECT_THAT(net.facts,
              ElementsAre("|127.0.0.1:4000||127.0.0.1:0 port=4000 protocol=mqtt tls=none authentication=users, "
                          "directory, anonymous",
                          "|[::1]:8083||web port=8083 protocol=ws tls=tls, client certificate required "
                          "authentication=tls identity",
                          "|/run/m||unix:/run/m protocol=mqtt tls=none authentication=directory proxy_protocol=yes",
                          "|127.0.0.1:8884||keys port=8884 protocol=mqtt tls=tls with psk authentication=users, "
                          "directory"));
  EXPECT_TRUE(log.lines.empty()) << "standard output has told it";
  config.log.format = LogFormat::json;
  log_start(config, {2, {}, 100}, log, net);
  EXPECT_THAT(log.lines, ElementsAre(StartsWith("martlet ")));
  EXPECT_THAT(log.facts[0], ::testing::HasSubstr(" threads=2 data=none"));
}

}  // namespace
}  // namespace martlet::server
