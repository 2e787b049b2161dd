// What a start, a reload and a check refuse alike, and where they say it is.
#include "server/preparation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/posix/system.h"
#include "server/config/complete.h"
#include "server/testing/memory_files.h"

namespace martlet::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Lines final : public broker::Log {
 public:
  std::vector<std::string> lines;
  bool wants(broker::LogLevel) const override { return true; }

 private:
  void put(broker::LogLevel, std::string_view text, const broker::LogSubject&) override { lines.emplace_back(text); }
};

class PreparationTest : public testing::Test {
 protected:
  ConfigErrors errors_of(std::string_view text, const std::vector<std::string>& coming = {}) {
    ServerConfig config;
    EXPECT_THAT(apply_toml(config, text, "c.toml"), IsEmpty());
    EXPECT_THAT(complete_config(config), IsEmpty());
    config.auth.coming_listeners = coming;
    ConfigErrors errors;
    const bool made = prepare(config, {{files_, *clock_, *entropy_, workers_, log_}, *network_}, errors).has_value();
    EXPECT_EQ(made, errors.empty());
    return errors;
  }

  MemoryFiles files_;
  Lines log_;
  std::unique_ptr<env::Clock> clock_ = env::posix::make_clock();
  std::unique_ptr<env::Entropy> entropy_ = env::posix::make_entropy();
  std::unique_ptr<env::Network> network_ = std::move(*env::posix::make_network());
  auth::Workers workers_{1, 1};
};

TEST_F(PreparationTest, NamesAllFilesThatAreMissing) {
  files_.files["a.crt"] = "x";
  const auto errors = errors_of(
      "[[listener]]\naddress = \"127.0.0.1:1\"\ntls.certificate = \"a.crt\"\ntls.key = \"a.key\"\n"
      "tls.client_ca_dir = \"ca.d\"\ntls.more_certificates = [\"a.crt\", \"b.crt\"]\n"
      "[[authentication]]\nkind = \"jwt\"\njwks = \"https://x/keys\"\nsecret_file = \"s\"\n");
  EXPECT_THAT(errors, ElementsAre(HasSubstr("c.toml:4: listener 1: tls.key: cannot open 'a.key'"),
                                  HasSubstr("c.toml:6: listener 1: tls.more_certificates: cannot open 'b.crt'"),
                                  HasSubstr("c.toml:10: authentication 1: secret_file: cannot open 's'")));
}

TEST_F(PreparationTest, BuildsWhatTheFilesDescribe) {
  files_.files = {{"a.crt", "no certificate"},
                  {"users", "ada:plain\n"},
                  {"key.pem", "no key"},
                  {"rules.toml", "[[rule]]\neffect = \"allow\"\nal = \"#\"\n"},
                  {"acl", "usr x\n"}};
  const auto errors = errors_of(
      "[[listener]]\naddress = \"127.0.0.1:1\"\ntls.certificate = \"a.crt\"\n"
      "[[authentication]]\nkind = \"file\"\nname = \"staff\"\npath = \"users\"\n"
      "[[authentication]]\nkind = \"jwt\"\npublic_key_file = \"key.pem\"\n"
      "[[authentication]]\nkind = \"ldap\"\nurl = \"ldap://h\"\nbind_dn = \"uid=ada\"\n"
      "[[authorization]]\nkind = \"rules\"\npath = \"rules.toml\"\n"
      "[[authorization]]\nkind = \"mosquitto\"\npath = \"acl\"\n");
  EXPECT_THAT(errors, ElementsAre(StartsWith("c.toml:3: listener 1: tls.certificate: no certificate in 'a.crt'"),
                                  StartsWith("c.toml:7: authentication 1: path: users:1: "),
                                  StartsWith("c.toml:10: authentication 2: public_key_file: key.pem: "),
                                  StartsWith("c.toml:14: authentication 3: bind_dn: has no %u"),
                                  StartsWith("c.toml:17: authorization 1: path: rules.toml:3: unknown key \"al\""),
                                  StartsWith("c.toml:20: authorization 2: path: acl:1: ")));
}

TEST_F(PreparationTest, RulesNameListenersThatExist) {
  files_.files["r"] =
      "[[rule]]\neffect = \"deny\"\nall = \"#\"\nlistener = [\"publc\", \"inner\"]\n"
      "[[rule]]\neffect = \"deny\"\nall = \"#\"\nlistener = \"x\"\n";
  constexpr std::string_view kConfig =
      "[[listener]]\naddress = \"127.0.0.1:1\"\nname = \"public\"\n"
      "[[listener]]\naddress = \"127.0.0.1:2\"\nname = \"inner\"\n"
      "[[authorization]]\nkind = \"rules\"\npath = \"r\"\nshadow = true\n";
  EXPECT_THAT(errors_of(kConfig),
              ElementsAre("c.toml:9: authorization 1: path: r:1: listener: there is no [[listener]] with the name "
                          "\"publc\": did you mean \"public\"?",
                          HasSubstr("r:5: listener: there is no [[listener]] with the name \"x\"")));
  // A restart opens them.
  EXPECT_THAT(errors_of(kConfig, {"publc", "x"}), IsEmpty());
}

TEST_F(PreparationTest, AddressesAreOfThisMachineAndNotOpenToAll) {
  constexpr std::string_view kUsers = "[[authentication]]\nkind = \"certificate\"\n";
  const std::string text = "[[listener]]\naddress = \"no-such-host.invalid:1\"\n[[listener]]\naddress = \"*:2\"\n";
  EXPECT_THAT(errors_of(text), ElementsAre(StartsWith("c.toml:2: listener 1: address: "),
                                           StartsWith("c.toml:4: listener 2: *:2 can be reached by other machines")));
  EXPECT_THAT(errors_of(text + std::string(kUsers)), ElementsAre(HasSubstr("no-such-host.invalid")));
  EXPECT_THAT(errors_of("auth.allow_anonymous_public = true\n[[listener]]\naddress = \"*:2\"\n"), IsEmpty());
  EXPECT_THAT(errors_of("[[listener]]\naddress = \"unix:/run/x\"\n[[listener]]\naddress = \"localhost:1\"\n"),
              IsEmpty());
}

TEST_F(PreparationTest, TheUserExists) {
  EXPECT_THAT(errors_of("server.user = \"root\"\nserver.group = \"root\"\n"), IsEmpty());
  EXPECT_THAT(log_.lines, IsEmpty());
  // Only root can become somebody: for others it is a warning.
  auto told = errors_of("server.user = \"no-such-user\"\n");
  told.insert(told.end(), log_.lines.begin(), log_.lines.end());
  EXPECT_THAT(told, ElementsAre(StartsWith("c.toml:1: server.user: there is no user \"no-such-user\"")));
}

TEST_F(PreparationTest, WarnsWithoutRefusing) {
  files_.files["users"] = "";
  EXPECT_THAT(errors_of("[[authentication]]\nkind = \"file\"\npath = \"users\"\n"), IsEmpty());
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("has no users")));
}

}  // namespace
}  // namespace martlet::server
