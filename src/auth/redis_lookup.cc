// Users in Redis: a hash per user with the fields password_hash, is_superuser and groups.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "auth/connection_pool.h"
#include "auth/lookups.h"
#include "auth/name_template.h"
#include "auth/redis_connection.h"
#include "auth/secret_file.h"
#include "auth/service_url.h"
#include "auth/user_row.h"

namespace martlet::auth {
namespace {

constexpr std::uint16_t kDefaultPort = 6379;

std::string_view text_of(const redisReply& reply) {
  const bool text =
      reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS || reply.type == REDIS_REPLY_ERROR;
  return text ? std::string_view(reply.str, reply.len) : std::string_view();
}

// Of the fields of a hash, one name and one value after the other.
Result<UserRow> read_row(const redisReply& reply) {
  UserRow row;
  for (std::size_t i = 0; i + 1 < reply.elements; i += 2) {
    const std::string_view name = text_of(*reply.element[i]);
    const std::string_view value = text_of(*reply.element[i + 1]);
    if (name == "password_hash") {
      row.password_hash = std::string(value);
    } else if (name == "is_superuser") {
      const auto flag = parse_flag(value);
      if (!flag) return tl::unexpected(flag.error());
      row.superuser = *flag;
    } else if (name == "groups") {
      row.groups = parse_comma_list(value);
    }
  }
  return row;
}

// Redis said no. That it cannot serve anybody now is told from what is wrong with this question.
Asked read_error(std::string_view said) {
  constexpr std::string_view kNobody[] = {"LOADING", "NOAUTH", "MASTERDOWN", "BUSY", "CLUSTERDOWN"};
  const bool nobody = std::any_of(std::begin(kNobody), std::end(kNobody),
                                  [&](std::string_view word) { return said.starts_with(word); });
  std::string reason = fmt::format("HGETALL: {}", said);
  return nobody ? Asked::unreached(std::move(reason)) : Asked::useless(std::move(reason));
}

class RedisLookup final : public Lookup {
 public:
  RedisLookup(RedisTarget target, std::string key, std::size_t connections, VerifyHash verify)
      : target_(std::move(target)), key_(std::move(key)), verify_(verify), pool_(connections) {}

  Asked ask(const Credentials& credentials, std::int64_t, const env::Deadline& deadline) override {
    if (!credentials.username || credentials.username->empty()) return {Opinion::unknown(), Asked::Reach::untried};
    const std::string key = fill_template(key_, *credentials.username, credentials.client_id, unescaped);
    return ask_through(
        pool_, deadline, [&] { return RedisConnection::open(target_, deadline); },
        [&](RedisConnection& connection) { return ask_on(connection, key, credentials, deadline); });
  }

 private:
  Asked ask_on(RedisConnection& connection, const std::string& key, const Credentials& credentials,
               const env::Deadline& deadline) const {
    const auto reply = connection.command({"HGETALL", key}, deadline);
    if (!reply) return Asked::unreached(reply.error().message);
    if ((*reply)->type == REDIS_REPLY_ERROR) return read_error(text_of(**reply));
    if ((*reply)->type != REDIS_REPLY_ARRAY) return Asked::useless("HGETALL: an odd reply");
    if ((*reply)->elements == 0) return {Opinion::unknown()};
    auto row = read_row(**reply);
    if (!row) return Asked::useless(row.error().message);
    return {opinion_of(std::move(*row), credentials, verify_)};
  }

  const RedisTarget target_;
  const std::string key_;
  const VerifyHash verify_;
  ConnectionPool<RedisConnection> pool_;
};

Result<RedisTarget> read_url(const std::string& text) {
  const auto url = parse_service_url(text);
  if (!url) return tl::unexpected(url.error());
  if (url->scheme == "rediss")
    return fail(
        "url: rediss:// is not supported, the Redis library here has no TLS; use redis:// to a tunnel on this "
        "host, such as stunnel");
  if (url->scheme != "redis") return fail("url: must begin with redis://");
  if (url->has_query) return fail("url: has a query (?...), which means nothing here; remove it");
  RedisTarget target;
  target.endpoint = {url->host, url->port == 0 ? kDefaultPort : url->port};
  target.username = url->user;
  target.database = url->path.empty() ? "" : url->path.substr(1);
  if (target.database.size() > 9 || target.database.find_first_not_of("0123456789") != std::string::npos)
    return fail("url: the path must be the number of a database, such as /0");
  return target;
}

}  // namespace

Result<std::unique_ptr<Provider>> make_redis_provider(const ProviderOptions& options, env::Files& files,
                                                      VerifyHash verify) {
  auto target = read_url(options.url);
  if (!target) return tl::unexpected(target.error());
  if (!has_placeholder(options.key, 'u') && !has_placeholder(options.key, 'c'))
    return fail("key: has neither %u (user name) nor %c (client identifier), so all clients would be the same user");
  if (!options.ca_file.empty()) return fail("ca_file: redis:// has no TLS; remove it");
  auto password = read_secret(files, "password_file", options.password_file);
  if (!password) return tl::unexpected(password.error());
  if (password->empty() && !target->username.empty())
    return fail("password_file: is not set, but url has a user name; write its password into a file");
  if (verify == nullptr) return fail("password hashes cannot be compared here");
  target->password = std::move(*password);
  return make_lookup_provider(
      options, "redis", AnswerCache::Scope::claim,
      std::make_unique<RedisLookup>(std::move(*target), options.key, options.connections, verify));
}

}  // namespace martlet::auth
