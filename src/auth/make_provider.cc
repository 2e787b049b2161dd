#include "auth/make_provider.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "auth/certificate_provider.h"
#include "auth/file_provider.h"
#include "auth/lookups.h"
#include "auth/make_jwt.h"
#include "auth/password_file.h"
#include "auth/password_hash.h"

namespace martlet::auth {
namespace {

Result<ChainLink> make_file(const ProviderOptions& options, env::Files& files, broker::Log& log) {
  if (options.path.empty()) return fail("path: it is missing: the file of users");
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
  auto provider = std::make_unique<FileProvider>(options.name, std::move(*users));
  ChainLink link;
  link.file = provider.get();
  link.provider = std::move(provider);
  return link;
}

ChainLink make_certificate(const ProviderOptions& options) {
  ChainLink link;
  link.provider = std::make_unique<CertificateProvider>(options.name, options.certificate_name);
  link.needs_credentials = false;
  return link;
}

struct LinkFacts {
  bool needs_credentials = true;
  bool is_public = false;
};

Result<ChainLink> linked(Result<std::unique_ptr<Provider>> provider, const LinkFacts& facts) {
  if (!provider) return tl::unexpected(provider.error());
  ChainLink link;
  link.provider = std::move(*provider);
  link.needs_credentials = facts.needs_credentials;
  link.reason_is_public = facts.is_public;
  return link;
}

// Whether `password` belongs to a hash of a table. One that cannot be read or checked belongs to nobody.
bool fits_hash(std::string_view text, ByteView password) {
  const auto hash = parse_password_hash(text);
  return hash && verify_password(*hash, password).value_or(false);
}

// A provider may find something out in a worker when the log is gone.
JwtKeyStore::Report report_to(const std::string& name, const ChainPorts& ports) {
  return [name, door = ports.workers.door(), &log = ports.log](const std::string& text) {
    door->pass([&] { log.write(broker::LogLevel::warning, fmt::format("authentication \"{}\": {}", name, text)); });
  };
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

Result<ChainLink> make_provider(const ProviderOptions& options, env::Files& files, const ChainPorts& ports) {
  ProviderOptions named = options;
  if (named.name.empty()) named.name = name_of(options.kind);
  switch (named.kind) {
    case ProviderKind::file:
      return make_file(named, files, ports.log);
    case ProviderKind::certificate:
      return make_certificate(named);
    case ProviderKind::jwt:
      return linked(make_jwt(named, files, report_to(named.name, ports)),
                    {.needs_credentials = true, .is_public = true});
    case ProviderKind::http:
      // A service may know a client by its identifier, address or certificate.
      return linked(make_http_provider(named, files), {.needs_credentials = false, .is_public = false});
    case ProviderKind::postgresql:
      return linked(make_postgresql_provider(named, files, fits_hash), {});
    case ProviderKind::redis:
      return linked(make_redis_provider(named, files, fits_hash), {});
    case ProviderKind::ldap:
      break;
  }
  return linked(make_ldap_provider(named, files), {});
}

}  // namespace martlet::auth
