#include "server/broker_arguments.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/memory_files.h"

namespace martlet::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ParsedArguments parse(std::vector<std::string> words) {
  words.insert(words.begin(), "martlet broker");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_broker_arguments(static_cast<int>(words.size()), argv.data());
}

TEST(BrokerArguments, AllOptions) {
  const auto parsed = parse({"--listen", "127.0.0.1:1", "--listen=[::1]:2", "--set", "a.b=c", "--set", "d.e=f",
                             "--config", "x.toml", "--data", "dir", "--threads", "3", "--check"});
  ASSERT_FALSE(parsed.exit_code) << parsed.message;
  EXPECT_THAT(parsed.arguments.listen, ElementsAre("127.0.0.1:1", "[::1]:2"));
  EXPECT_THAT(parsed.arguments.assignments, ElementsAre("a.b=c", "d.e=f"));
  EXPECT_EQ(parsed.arguments.config_file, "x.toml");
  EXPECT_EQ(parsed.arguments.data_dir, "dir");
  EXPECT_EQ(parsed.arguments.threads, "3");
  EXPECT_TRUE(parsed.arguments.check_only);
}

TEST(BrokerArguments, HelpAndErrors) {
  EXPECT_EQ(parse({"--help"}).exit_code, 0);
  EXPECT_THAT(parse({"--help"}).message, HasSubstr("--listen HOST:PORT"));
  EXPECT_EQ(parse({"--lisen", "x"}).exit_code, 2);
  EXPECT_THAT(parse({"--lisen=x"}).message, HasSubstr("\"--lisen=x\": did you mean \"--listen\"?"));
  EXPECT_EQ(parse({"127.0.0.1:1"}).exit_code, 2);
  EXPECT_EQ(parse({"--listen"}).exit_code, 2);
  EXPECT_EQ(parse({"--listen", "a:1", "b:2"}).exit_code, 2);
}

TEST(Configure, LaterSourcesWin) {
  MemoryFiles files;
  files.files["c.toml"] =
      "[server]\nthreads = 2\ndata_dir = \"file\"\n[limits]\nmax_in_flight = 5\nreceive_maximum = 6\n"
      "[[listener]]\naddress = \"127.0.0.1:1\"\n";
  ConfigErrors errors;
  const auto parsed = parse({"--config", "c.toml", "--set", "limits.max_in_flight=7", "--set", "server.data_dir=set",
                             "--data", "data", "--listen", "127.0.0.1:9"});
  const ServerConfig config = configure(parsed.arguments, {"/state", {}}, files, errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(config.threads, 2u);
  EXPECT_EQ(config.data_dir, "data");
  EXPECT_EQ(config.broker.endpoint.max_in_flight, 7);
  EXPECT_EQ(config.broker.endpoint.receive_maximum, 6);
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].address, "127.0.0.1:9");
}

TEST(Configure, DataIsKeptUnlessSaidOtherwise) {
  MemoryFiles files;
  files.files["c.toml"] = files.files["/etc/martlet/c.toml"] = files.files["/c.toml"] = "";
  const auto data_dir = [&](std::vector<std::string> words, std::string_view state_directory = "") {
    ConfigErrors errors;
    const ServerConfig config =
        configure(parse(std::move(words)).arguments, {std::string(state_directory), {}}, files, errors);
    EXPECT_THAT(errors, IsEmpty());
    return fmt::format("{}{}", config.data_dir, config.data_dir_is_default ? " by default" : "");
  };
  EXPECT_EQ(data_dir({}), "./martlet-data by default");
  EXPECT_EQ(data_dir({"--config", "c.toml"}), "./martlet-data by default");
  EXPECT_EQ(data_dir({"--config", "/etc/martlet/c.toml"}), "/etc/martlet/martlet-data by default");
  EXPECT_EQ(data_dir({"--config", "/c.toml"}), "/martlet-data by default");
  EXPECT_EQ(data_dir({"--config", "/c.toml"}, "/var/lib/a:/var/lib/b"), "/var/lib/a by default");
  EXPECT_EQ(data_dir({"--data", ""}), "./martlet-data by default");
  EXPECT_EQ(data_dir({"--data", "x"}, "/var/lib/a"), "x");
  EXPECT_EQ(data_dir({"--set", "server.data_dir=none"}, "/var/lib/a"), "none");
}

TEST(Configure, ReportsAllErrors) {
  MemoryFiles files;
  ConfigErrors errors;
  configure(parse({"--config", "none.toml", "--set", "x", "--threads", "many"}).arguments, {}, files, errors);
  EXPECT_THAT(errors, ElementsAre(HasSubstr("--config: cannot open 'none.toml'"), HasSubstr("--set x"),
                                  HasSubstr("\"server.threads\" = many")));
}

}  // namespace
}  // namespace martlet::server
