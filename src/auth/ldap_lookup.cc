// Users in an LDAP directory: whoever can bind with a name and a password is that user.
#include <fmt/format.h>

#include <utility>

#include "auth/connection_pool.h"
#include "auth/ldap_connection.h"
#include "auth/ldap_name.h"
#include "auth/lookups.h"
#include "auth/name_template.h"
#include "auth/secret_file.h"
#include "auth/service_url.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

constexpr std::uint16_t kLdapPort = 389;
constexpr std::uint16_t kLdapsPort = 636;

class LdapLookup final : public Lookup {
 public:
  LdapLookup(LdapTarget target, const ProviderOptions& options)
      : target_(std::move(target)),
        bind_dn_(options.bind_dn),
        names_entry_(is_entry_name(options.bind_dn)),
        group_base_(options.group_base),
        pool_(options.connections) {}

  Asked ask(const Credentials& credentials, std::int64_t, const env::Deadline& deadline) override {
    if (!credentials.username || credentials.username->empty() || !credentials.password)
      return {Opinion::unknown(), Asked::Reach::untried};
    // A server takes a bind without a password for nobody's, and says yes.
    if (credentials.password->empty()) return {Opinion::refuse("the password is empty"), Asked::Reach::untried};
    const std::string dn = fill_template(bind_dn_, *credentials.username, credentials.client_id, escape_dn);
    return ask_through(
        pool_, deadline, [&] { return LdapConnection::open(target_, deadline); },
        [&](LdapConnection& connection) { return ask_on(connection, dn, credentials, deadline); });
  }

 private:
  Asked ask_on(LdapConnection& connection, const std::string& dn, const Credentials& credentials,
               const env::Deadline& deadline) const {
    const LdapAnswer answer = connection.bind(dn, *credentials.password, deadline);
    if (answer.code != LDAP_SUCCESS) return read_failure("bind", answer);
    Asked asked = name(connection, dn, credentials, deadline);
    Opinion& opinion = asked.opinion;
    if (opinion.kind != Opinion::Kind::allow) return asked;
    if (group_base_.empty()) return asked;
    auto grants = std::make_shared<ClientGrants>();
    const LdapAnswer searched =
        connection.search(group_base_, fmt::format("(member={})", escape_filter(dn)), "cn", grants->groups, deadline);
    // Without its groups a client might be spared a rule that denies.
    if (searched.code != LDAP_SUCCESS) {
      std::string reason = fmt::format("search in group_base: {}", searched.text);
      return is_service_failure(searched.code) ? Asked::unreached(std::move(reason))
                                               : Asked::useless(std::move(reason));
    }
    std::erase_if(grants->groups, [](const std::string& name) { return name.empty() || !wire::valid_text(name); });
    opinion.grants = std::move(grants);
    return asked;
  }

  // Who has bound: else one user could be many, by other spellings of its name, and be spared what denies the first.
  Asked name(LdapConnection& connection, const std::string& dn, const Credentials& credentials,
             const env::Deadline& deadline) const {
    std::string found;
    if (names_entry_) {
      const LdapAnswer answer = connection.read_name(dn, found, deadline);
      if (is_service_failure(answer.code)) return Asked::unreached(fmt::format("search of the user: {}", answer.text));
    }
    Opinion opinion = Opinion::allow();
    if (found.empty()) {
      if (!is_plain_name(*credentials.username)) {
        return {Opinion::refuse(
            "where its entry cannot be read, a user name has lower case letters, digits and ._@- only")};
      }
      return {std::move(opinion)};
    }
    const auto name = name_of_entry(bind_dn_, *credentials.username, credentials.client_id, found);
    if (!name) return {Opinion::refuse("the directory writes the user name in another way")};
    if (*name != *credentials.username) opinion.username = *name;
    return {std::move(opinion)};
  }

  static bool is_service_failure(int code) {
    return code < 0 || code == LDAP_BUSY || code == LDAP_UNAVAILABLE || code == LDAP_OTHER;
  }

  static Asked read_failure(const char* what, const LdapAnswer& answer) {
    std::string reason = fmt::format("{}: {}", what, answer.text);
    if (is_service_failure(answer.code)) return Asked::unreached(std::move(reason));
    switch (answer.code) {
      case LDAP_INVALID_CREDENTIALS:   // wrong password, or no such user: servers do not tell
      case LDAP_INAPPROPRIATE_AUTH:    // an entry without a password
      case LDAP_CONSTRAINT_VIOLATION:  // locked after too many attempts
        return {Opinion::refuse(std::move(reason))};
      case LDAP_NO_SUCH_OBJECT:
        return {Opinion::unknown()};
      default:
        return Asked::useless(std::move(reason));
    }
  }

  const LdapTarget target_;
  const std::string bind_dn_;
  const bool names_entry_;
  const std::string group_base_;
  ConnectionPool<LdapConnection> pool_;
};

Result<LdapTarget> read_url(const ProviderOptions& options) {
  const auto url = parse_service_url(options.url);
  if (!url) return tl::unexpected(url.error());
  const bool ldaps = url->scheme == "ldaps";
  if (!ldaps && url->scheme != "ldap") return fail("url: must begin with ldap:// or ldaps://");
  if (!url->user.empty()) return fail("url: has a user name, which means nothing here; users bind as bind_dn says");
  if (url->path.size() > 1 || url->has_query)
    return fail(
        "url: has more than a host and a port; where users are is said by bind_dn, where groups are by group_base");
  if (ldaps && options.starttls) return fail("starttls: has no place on ldaps://, which is encrypted from the start");
  LdapTarget target;
  target.endpoint = {url->host, url->port != 0 ? url->port : ldaps ? kLdapsPort : kLdapPort};
  target.tls = ldaps ? LdapTls::ldaps : options.starttls ? LdapTls::starttls : LdapTls::none;
  target.ca_file = options.ca_file;
  if (target.tls == LdapTls::none && !options.ca_file.empty())
    return fail("ca_file: is set, but nothing is encrypted; write ldaps:// in url, or set starttls");
  return target;
}

}  // namespace

Result<std::unique_ptr<Provider>> make_ldap_provider(const ProviderOptions& options, env::Files& files) {
  auto target = read_url(options);
  if (!target) return tl::unexpected(target.error());
  if (!has_placeholder(options.bind_dn, 'u'))
    return fail("bind_dn: has no %u, the user name; write it as uid=%u,ou=people,dc=example,dc=org");
  if (!options.password_file.empty())
    return fail("password_file: has no use here: each user binds and searches as itself; remove it");
  if (auto readable = check_readable(files, "ca_file", options.ca_file); !readable)
    return tl::unexpected(readable.error());
  return make_lookup_provider(options, "ldap", AnswerCache::Scope::claim,
                              std::make_unique<LdapLookup>(std::move(*target), options));
}

}  // namespace martlet::auth
