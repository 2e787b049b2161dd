// The rows of [[authentication]] and [[authorization]].
#include <array>

#include "server/config/option_rows.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

using auth::AccessKind;
using enum auth::ProviderKind;

// In the order of the enumerations.
constexpr std::string_view kProviderNames[] = {"file", "jwt", "http", "postgresql", "redis", "ldap", "certificate"};
constexpr std::string_view kAccessNames[] = {"rules", "mosquitto", "jwt", "http"};
constexpr std::string_view kCertificateNames[] = {"common_name", "subject", "fingerprint"};
constexpr std::string_view kAlgorithmNames[] = {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
                                                "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};
// By ProviderKind.
constexpr std::string_view kUrlExamples[] = {"",
                                             "",
                                             "\"https://auth.example.org/login\"",
                                             "\"postgresql://martlet@db.example.org/mqtt\"",
                                             "\"redis://127.0.0.1:6379/0\"",
                                             "\"ldaps://ldap.example.org\""};

template <class Field>
constexpr Option<auth::ProviderOptions> row(Field, const OptionFacts& facts) {
  return make_option<auth::ProviderOptions, Field>(live(facts));
}

template <class Field>
constexpr Option<auth::AccessOptions> access_row(Field, const OptionFacts& facts) {
  return make_option<auth::AccessOptions, Field>(live(facts));
}

constexpr std::array kProviderOptions = {
    row(
        [](auto& c) -> auto& { return c.kind; },
        choice(
            "kind", kProviderNames,
            "What is asked: a file of users, signed tokens (jwt), a service (http), a data base (postgresql, redis), "
            "a directory (ldap), or the client's certificate.")),
    row(
        [](auto& c) -> auto& { return c.name; },
        text("name", "\"staff\"", "Name in logs and for listeners; without it, the kind.")),
    row(
        [](auto& c) -> auto& { return c.path; },
        needed_for({file}, path("path", "\"users.txt\"",
                                "Users and password hashes, as martlet passwd or mosquitto_passwd writes them."))),

    // --- jwt
    row(
        [](auto& c) -> auto& { return c.secret_file; },
        only_for({jwt}, path("secret_file", "\"jwt.secret\"", "Key of HS256, HS384 and HS512."))),
    row(
        [](auto& c) -> auto& { return c.public_key_file; },
        only_for({jwt}, path("public_key_file", "\"jwt.pem\"", "Public key of the other algorithms, PEM."))),
    row(
        [](auto& c) -> auto& { return c.jwks; },
        [] {
          OptionFacts facts = only_for(
              {jwt}, path("jwks", "\"https://id.example.org/jwks.json\"", "A set of keys (JWKS): a file or a URL."));
          facts.form = TextForm::path_or_url;
          return facts;
        }()),
    row(
        [](auto& c) -> auto& { return c.algorithms; },
        only_for({jwt}, list("algorithms", "[\"RS256\", \"EdDSA\"]",
                             "Algorithms that are accepted; empty: those that the keys are for.", kAlgorithmNames))),
    row(
        [](auto& c) -> auto& { return c.issuer; },
        only_for({jwt}, text("issuer", "\"https://id.example.org\"", "What iss must be; empty: anything."))),
    row(
        [](auto& c) -> auto& { return c.audience; },
        only_for({jwt}, text("audience", "\"mqtt\"", "What aud must have; empty: anything."))),
    row(
        [](auto& c) -> auto& { return c.username_claim; },
        only_for({jwt}, text("username_claim", "\"sub\"", "Claim that is the user name."))),
    row(
        [](auto& c) -> auto& { return c.groups_claim; },
        only_for({jwt}, text("groups_claim", "\"groups\"", "Claim that lists the user's groups."))),
    row(
        [](auto& c) -> auto& { return c.acl_claim; },
        only_for({jwt}, text("acl_claim", "\"acl\"", "Claim that says what the client may do."))),
    row(
        [](auto& c) -> auto& { return c.token_from_username; },
        only_for({jwt}, toggle("token_from_username", "The token comes as the user name, not as the password."))),
    row(
        [](auto& c) -> auto& { return c.leeway_s; },
        only_for({jwt}, seconds("leeway", 0, 3'600, "How far clocks may differ for exp and nbf."))),
    row(
        [](auto& c) -> auto& { return c.refresh_s; },
        only_for({jwt}, seconds("refresh", 10, 30 * kDayS, "How often a JWKS URL is read again."))),

    // --- what is asked over the network
    row(
        [](auto& c) -> auto& { return c.url; },
        [] {
          OptionFacts facts = needed_for({http, postgresql, redis, ldap},
                                         url("url", kUrlExamples[static_cast<std::size_t>(http)],
                                             "The service: http(s)://, postgresql://, redis:// or ldap(s)://."));
          facts.kind_examples = kUrlExamples;
          return facts;
        }()),
    row(
        [](auto& c) -> auto& { return c.ca_file; },
        only_for({jwt, http, postgresql, redis, ldap},
                 path("ca_file", "\"ca.crt\"", "Who may have signed the service's certificate; empty: the system's."))),
    row(
        [](auto& c) -> auto& { return c.timeout_ms; },
        only_for({jwt, http, postgresql, redis, ldap},
                 milliseconds("timeout", 10, kHourMs, "Longest wait for an answer; then the client is refused."))),
    row(
        [](auto& c) -> auto& { return c.cache_s; },
        only_for({http, postgresql, redis, ldap},
                 seconds("cache", 1, 30 * kDayS, 0, "How long an answer is remembered; never: not at all."))),
    row(
        [](auto& c) -> auto& { return c.token_file; },
        only_for({http}, path("token_file", "\"http.token\"", "Sent as Authorization: Bearer."))),
    row(
        [](auto& c) -> auto& { return c.query; },
        only_for({postgresql}, text("query", "\"SELECT password_hash FROM mqtt_users WHERE username = $1\"",
                                    "Query that gives the password hash; $1 is the user name."))),
    row(
        [](auto& c) -> auto& { return c.key; },
        only_for({redis},
                 text("key", "\"mqtt:user:%u\"", "Key of the hash with the fields password_hash and groups."))),
    row(
        [](auto& c) -> auto& { return c.password_file; },
        only_for({postgresql, redis, ldap},
                 path("password_file", "\"db.password\"", "The broker's own password there."))),
    row(
        [](auto& c) -> auto& { return c.bind_dn; },
        needed_for({ldap}, text("bind_dn", "\"uid=%u,ou=people,dc=example,dc=org\"", "Who a user is there."))),
    row(
        [](auto& c) -> auto& { return c.group_base; },
        only_for({ldap}, text("group_base", "\"ou=groups,dc=example,dc=org\"",
                              "Where groups (groupOfNames) are searched; empty: users have none."))),
    row(
        [](auto& c) -> auto& { return c.starttls; },
        only_for({ldap}, toggle("starttls", "Encrypt an ldap:// connection before anything is said."))),
    row(
        [](auto& c) -> auto& { return c.connections; },
        only_for({postgresql, redis, ldap}, integer("connections", 1, 256, "Connections that are kept open."))),

    row(
        [](auto& c) -> auto& { return c.certificate_name; },
        only_for({certificate}, choice("certificate_name", kCertificateNames,
                                       "Which part of a verified certificate is the user name."))),
};

constexpr std::array kAccessOptions = {
    access_row(
        [](auto& c) -> auto& { return c.kind; },
        choice("kind", kAccessNames,
               "What decides: a file of rules, an acl_file of Mosquitto, the claims of a token (jwt), or a service "
               "(http).")),
    access_row(
        [](auto& c) -> auto& { return c.name; }, text("name", "\"rules\"", "Name in logs; without it, the kind.")),
    access_row(
        [](auto& c) -> auto& { return c.path; },
        needed_for({AccessKind::rules, AccessKind::mosquitto}, path("path", "\"rules.toml\"", "The file."))),
    access_row(
        [](auto& c) -> auto& { return c.listeners; },
        list("listeners", "[\"public\"]",
             "Names of the listeners about whose clients it decides; empty: all. Clients of a listener about which no "
             "table decides may do everything.")),
    access_row(
        [](auto& c) -> auto& { return c.shadow; },
        toggle("shadow", "It decides nothing: what it would decide otherwise is reported.")),
    access_row(
        [](auto& c) -> auto& { return c.lenient_subscribe; },
        only_for({AccessKind::mosquitto},
                 toggle("lenient_subscribe",
                        "Every SUBSCRIBE is acknowledged, and read is checked for each message, as Mosquitto does."))),
    access_row(
        [](auto& c) -> auto& { return c.url; },
        needed_for({AccessKind::http}, url("url", "\"https://auth.example.org/acl\"", "The service: http(s)://."))),
    access_row(
        [](auto& c) -> auto& { return c.ca_file; },
        only_for({AccessKind::http},
                 path("ca_file", "\"ca.crt\"", "Who may have signed its certificate; empty: the system's."))),
    access_row(
        [](auto& c) -> auto& { return c.token_file; },
        only_for({AccessKind::http}, path("token_file", "\"http.token\"", "Sent as Authorization: Bearer."))),
    access_row(
        [](auto& c) -> auto& { return c.timeout_ms; },
        only_for({AccessKind::http},
                 milliseconds("timeout", 10, kHourMs, "Longest wait for an answer; then: denied."))),
    access_row(
        [](auto& c) -> auto& { return c.cache_s; },
        only_for({AccessKind::http},
                 seconds("cache", 1, 30 * kDayS, 0, "How long an answer is remembered; never: not at all."))),
};

}  // namespace

std::span<const Option<auth::ProviderOptions>> provider_options() {
  return kProviderOptions;
}

std::span<const Option<auth::AccessOptions>> access_options() {
  return kAccessOptions;
}

}  // namespace martlet::server
