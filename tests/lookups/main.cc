// Asks a look-up provider from the command line, for tests/integration/lookups.py: options make the provider, each
// line of the standard input is a client, {"username": ..., "password": ..., "client_id": ...}, each line of the
// standard output what the provider thinks of it and how long that took. Hashes are "plain:PASSWORD".
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "auth/lookups.h"
#include "env/posix/system.h"

namespace {

using namespace martlet;
using nlohmann::json;

bool verify_plain(std::string_view hash, ByteView password) {
  constexpr std::string_view kScheme = "plain:";
  return hash.starts_with(kScheme) && hash.substr(kScheme.size()) == as_text(password);
}

Result<std::unique_ptr<auth::Provider>> make(const std::string& kind, const auth::ProviderOptions& options,
                                             env::Files& files) {
  if (kind == "http") return auth::make_http_provider(options, files);
  if (kind == "postgresql") return auth::make_postgresql_provider(options, files, verify_plain);
  if (kind == "redis") return auth::make_redis_provider(options, files, verify_plain);
  if (kind == "ldap") return auth::make_ldap_provider(options, files);
  return fail("no such kind: " + kind);
}

auth::Credentials credentials_of(const json& line) {
  auth::Credentials credentials;
  credentials.client_id = line.value("client_id", "client");
  credentials.listener = "test";
  credentials.peer_address = line.value("address", "127.0.0.1:50000");
  if (line.contains("username")) credentials.username = line["username"].get<std::string>();
  if (line.contains("password")) {
    const auto text = line["password"].get<std::string>();
    credentials.password = std::vector<std::uint8_t>(text.begin(), text.end());
  }
  return credentials;
}

json to_json(const auth::Opinion& opinion) {
  static constexpr const char* kKinds[] = {"allow", "refuse", "unknown", "failed"};
  json out = {{"opinion", kKinds[static_cast<int>(opinion.kind)]}, {"reason", opinion.reason}};
  if (!opinion.username.empty()) out["username"] = opinion.username;
  if (opinion.until_wall_ms != 0) out["until_wall_ms"] = opinion.until_wall_ms;
  if (opinion.grants != nullptr) {
    out["groups"] = opinion.grants->groups;
    out["superuser"] = opinion.grants->superuser;
    out["rules"] = opinion.grants->rules.size();
  }
  return out;
}

json ask(auth::Provider& provider, env::Clock& clock, const json& line) {
  const Now before = clock.now();
  json out = to_json(provider.check(credentials_of(line), before.wall_ms));
  out["took_ms"] = clock.now().mono_ms - before.mono_ms;
  return out;
}

// {"at_once": N, ...}: N threads ask the same at the same time; answered as a list.
json ask_at_once(auth::Provider& provider, env::Clock& clock, const json& line) {
  std::vector<json> answers(line["at_once"].get<std::size_t>());
  std::vector<std::thread> threads;
  for (json& answer : answers) threads.emplace_back([&] { answer = ask(provider, clock, line); });
  for (std::thread& thread : threads) thread.join();
  return answers;
}

}  // namespace

int main(int argc, char** argv) {
  auth::ProviderOptions options;
  std::string kind;
  CLI::App app("asks a look-up provider");
  app.add_option("--kind", kind)->required();
  app.add_option("--name", options.name);
  app.add_option("--url", options.url);
  app.add_option("--ca-file", options.ca_file);
  app.add_option("--timeout-ms", options.timeout_ms);
  app.add_option("--cache-s", options.cache_s);
  app.add_option("--token-file", options.token_file);
  app.add_option("--query", options.query);
  app.add_option("--key", options.key);
  app.add_option("--password-file", options.password_file);
  app.add_option("--bind-dn", options.bind_dn);
  app.add_option("--group-base", options.group_base);
  app.add_option("--connections", options.connections);
  app.add_flag("--starttls", options.starttls);
  CLI11_PARSE(app, argc, argv);

  const auto files = env::posix::make_files();
  const auto clock = env::posix::make_clock();
  const auto provider = make(kind, options, *files);
  if (!provider) {
    std::cout << json{{"error", provider.error().message}}.dump() << std::endl;
    return 2;
  }
  for (std::string text; std::getline(std::cin, text);) {
    const json line = json::parse(text);
    const json answer =
        line.contains("at_once") ? ask_at_once(**provider, *clock, line) : ask(**provider, *clock, line);
    std::cout << answer.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
  }
  return 0;
}
