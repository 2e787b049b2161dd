#include "auth/make_provider.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "auth/certificate_provider.h"
#include "auth/file_provider.h"
#include "auth/lookups.h"
#include "auth/password_file.h"
#include "auth/password_hash.h"

namespace martlet::auth {
namespace {

Result<ChainLink> make_file(const std::string& name, const ProviderOptions& options, env::Files& files,
                            broker::Log& log) {
  if (options.path.empty())
    return fail(fmt::format("authentication \"{}\": `path` is missing: the file of users", name));
  auto text = files.read_all(options.path, kMaxPasswordFileBytes);
  if (!text) return tl::unexpected(text.error());
  auto users = PasswordFile::parse(std::move(*text), options.path);
  if (!users) return tl::unexpected(users.error());
  if (files.others_may_read(options.path)) {
    log.write(broker::LogLevel::warning,
              fmt::format("{}: everybody on this machine can read the password hashes: chmod o= it", options.path));
  }
  if ((*users)->users() == 0) {
    log.write(broker::LogLevel::warning,
              fmt::format("{}: has no users: nobody gets in by it; add some with martlet passwd", options.path));
  }
  auto provider = std::make_unique<FileProvider>(name, std::move(*users));
  ChainLink link;
  link.file = provider.get();
  link.provider = std::move(provider);
  return link;
}

bool is_password(std::string_view hash, ByteView password) {
  const auto parsed = parse_password_hash(hash);
  return parsed && verify_password(*parsed, password).value_or(false);
}

// Another service knows the users.
Result<ChainLink> look_up(Result<std::unique_ptr<Provider>> provider) {
  if (!provider) return tl::unexpected(provider.error());
  ChainLink link;
  link.provider = std::move(*provider);
  return link;
}

ChainLink make_certificate(const std::string& name, const ProviderOptions& options) {
  ChainLink link;
  link.provider = std::make_unique<CertificateProvider>(name, options.certificate_name);
  link.needs_credentials = false;
  return link;
}

}  // namespace

std::string_view name_of(ProviderKind kind) {
  switch (kind) {
    case ProviderKind::file:
      return "file";
    case ProviderKind::jwt:
      return "jwt";
    case ProviderKind::http:
      return "http";
    case ProviderKind::postgresql:
      return "postgresql";
    case ProviderKind::redis:
      return "redis";
    case ProviderKind::ldap:
      return "ldap";
    case ProviderKind::certificate:
      break;
  }
  return "certificate";
}

Result<ChainLink> make_provider(const ProviderOptions& options, env::Files& files, broker::Log& log) {
  const std::string name = options.name.empty() ? std::string(name_of(options.kind)) : options.name;
  switch (options.kind) {
    case ProviderKind::file:
      return make_file(name, options, files, log);
    case ProviderKind::certificate:
      return make_certificate(name, options);
    case ProviderKind::http:
      return look_up(make_http_provider(options, files));
    case ProviderKind::postgresql:
      return look_up(make_postgresql_provider(options, files, is_password));
    case ProviderKind::redis:
      return look_up(make_redis_provider(options, files, is_password));
    case ProviderKind::ldap:
      return look_up(make_ldap_provider(options, files));
    default:
      return fail(fmt::format("authentication \"{}\": this build has no providers of the kind {}", name,
                              name_of(options.kind)));
  }
}

}  // namespace martlet::auth
