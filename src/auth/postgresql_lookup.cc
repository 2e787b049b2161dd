// Users in PostgreSQL: a query of the operator's gives the password hash of a user name.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "auth/connection_pool.h"
#include "auth/lookups.h"
#include "auth/postgresql_connection.h"
#include "auth/secret_file.h"

namespace martlet::auth {
namespace {

class PostgresqlLookup final : public Lookup {
 public:
  PostgresqlLookup(PostgresqlTarget target, std::size_t connections, VerifyHash verify)
      : target_(std::move(target)), verify_(verify), pool_(connections) {}

  Asked ask(const Credentials& credentials, std::int64_t, const env::Deadline& deadline) override {
    if (!credentials.username || credentials.username->empty()) return {Opinion::unknown(), Asked::Reach::untried};
    // libpq would cut a value there. MQTT has none, but whoever is asked does not rely on it.
    if (credentials.username->find('\0') != std::string::npos || credentials.client_id.find('\0') != std::string::npos)
      return {Opinion::unknown(), Asked::Reach::untried};
    return ask_through(
        pool_, deadline, [&] { return PostgresqlConnection::open(target_, deadline); },
        [&](PostgresqlConnection& connection) { return ask_on(connection, credentials, deadline); });
  }

 private:
  Asked ask_on(PostgresqlConnection& connection, const Credentials& credentials, const env::Deadline& deadline) const {
    PostgresqlAnswer answer = connection.find(*credentials.username, credentials.client_id, deadline);
    if (answer.unreached) return Asked::unreached(std::move(answer.error));
    if (!answer.error.empty()) return Asked::useless(std::move(answer.error));
    if (!answer.row) return {Opinion::unknown()};
    return {opinion_of(std::move(*answer.row), credentials, verify_)};
  }

  const PostgresqlTarget target_;
  const VerifyHash verify_;
  ConnectionPool<PostgresqlConnection> pool_;
};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> items;
  for (;;) {
    const std::size_t end = list.find(',');
    items.emplace_back(list.substr(0, end));
    if (end == std::string_view::npos) return items;
    list.remove_prefix(end + 1);
  }
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// What the URL says; libpq's messages about a bad one are not shown, since they may show a part of it.
Result<PostgresqlTarget> read_url(const std::string& url, const std::string& ca_file) {
  if (url.empty()) return fail("url: is not set; give the database's, such as postgresql://USER@HOST/DATABASE");
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://"))
    return fail("url: must begin with postgresql://");
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), &message));
  PQfreemem(message);
  if (options == nullptr)
    return fail("url: is not one that libpq understands; write postgresql://USER@HOST[:PORT]/DATABASE[?OPTION=VALUE]");
  PostgresqlTarget target;
  // What the URL may change.
  target.parameters = {{"gssencmode", "disable"}, {"application_name", "martlet"}};
  bool has_mode = false;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const std::string name = option->keyword;
    if (option->val == nullptr || *option->val == '\0') continue;
    if (name == "password" || name == "sslpassword")
      return fail(fmt::format("url: holds a {}, which logs would show; use password_file", name));
    has_mode = has_mode || name == "sslmode";
    if (name == "host" || name == "hostaddr") {
      if (!target.hosts.empty()) return fail("url: has both host and hostaddr; give host alone");
      target.hosts = split(option->val);
    } else if (name == "port") {
      target.ports = split(option->val);
    } else {
      target.parameters.emplace_back(name, option->val);
    }
  }
  if (target.hosts.empty()) return fail("url: names no host; write postgresql://USER@HOST/DATABASE");
  if (target.ports.size() > 1 && target.ports.size() != target.hosts.size())
    return fail("url: must have one port, or as many as hosts");
  if (!ca_file.empty()) {
    target.parameters.emplace_back("sslrootcert", ca_file);
    if (!has_mode) target.parameters.emplace_back("sslmode", "verify-full");
  }
  target.parameters.emplace_back("client_encoding", "UTF8");
  return target;
}

}  // namespace

Result<std::unique_ptr<Provider>> make_postgresql_provider(const ProviderOptions& options, env::Files& files,
                                                           VerifyHash verify) {
  auto target = read_url(options.url, options.ca_file);
  if (!target) return tl::unexpected(target.error());
  if (options.query.find("$1") == std::string::npos)
    return fail(
        "query: has no $1, the user name; write it as SELECT password_hash FROM mqtt_users WHERE username = $1");
  if (auto readable = check_readable(files, "ca_file", options.ca_file); !readable)
    return tl::unexpected(readable.error());
  auto password = read_secret(files, "password_file", options.password_file);
  if (!password) return tl::unexpected(password.error());
  if (verify == nullptr) return fail("password hashes cannot be compared here");
  if (!password->empty()) target->parameters.emplace_back("password", std::move(*password));
  target->query = options.query;
  return make_lookup_provider(options, "postgresql", AnswerCache::Scope::claim,
                              std::make_unique<PostgresqlLookup>(std::move(*target), options.connections, verify));
}

}  // namespace martlet::auth
