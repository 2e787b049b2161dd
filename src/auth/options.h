// What an operator sets of authentication and authorisation: the [[authentication]] and [[authorization]] tables. The
// empty text is "not set" everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::auth {

enum class ProviderKind : std::uint8_t {
  file,         // users and password hashes, Martlet's or Mosquitto's; SCRAM-SHA-256 for those that have its keys
  jwt,          // the password is a signed token
  http,         // a service is asked
  postgresql,   // a query gives the hash
  redis,        // a hash (HGETALL) gives the hash
  ldap,         // a bind as the user
  certificate,  // the client's verified certificate (or PSK identity) names the user
};

// In place of a listener's providers: none is asked, so that who comes with a user name is let in where strangers are.
inline constexpr std::string_view kNoProviders = "none";

// Where the user name comes from that a certificate stands for.
enum class CertificateName : std::uint8_t { common_name, subject, fingerprint };

// One [[authentication]] table. They are asked in order; the first that knows the client decides.
struct ProviderOptions {
  std::string name;  // for logs and listeners; empty: its kind
  ProviderKind kind = ProviderKind::file;
  std::string path;  // file: the users

  // jwt
  std::string secret_file;              // HS256/384/512: the key
  std::string public_key_file;          // RS/ES/EdDSA: PEM
  std::string jwks;                     // file or URL of a key set
  std::vector<std::string> algorithms;  // allowed ones; empty: those that the keys stand for
  std::string issuer;                   // required `iss`
  std::string audience;                 // required in `aud`
  std::string username_claim = "sub";
  std::string groups_claim = "groups";
  std::string acl_claim = "acl";
  bool token_from_username = false;  // else from the password
  std::uint32_t leeway_s = 0;        // for exp and nbf
  std::uint32_t refresh_s = 300;     // of a JWKS URL

  // http, postgresql, redis, ldap
  std::string url;      // http(s)://..., postgresql://..., redis://..., ldap(s)://...
  std::string ca_file;  // for TLS to the service; empty: the system's
  std::uint32_t timeout_ms = 3'000;
  std::uint32_t cache_s = 0;  // how long an answer is remembered; 0: not at all
  std::string token_file;     // http: sent as Authorization: Bearer
  std::string query = "SELECT password_hash FROM mqtt_users WHERE username = $1";  // postgresql
  std::string key = "mqtt:user:%u";  // redis; fields password_hash, groups
  std::string password_file;         // postgresql, redis, ldap search: the broker's own password
  std::string bind_dn;               // ldap: "uid=%u,ou=people,dc=example,dc=org"
  std::string group_base;            // ldap: where groupOfNames are searched; empty: no groups
  bool starttls = false;             // ldap
  std::uint32_t connections = 2;     // postgresql, redis, ldap: kept open

  CertificateName certificate_name = CertificateName::common_name;
};

// Who may connect through one listener.
struct ListenerAuth {
  std::string name;
  // A client without user name and password. Unset by the operator: allowed when there is no [[authentication]] at all.
  bool allow_anonymous = false;
  std::vector<std::string> providers;  // by name; empty: all; kNoProviders alone: none
  // A client whose certificate was verified, or that came with a PSK identity, is that user without any other proof
  // (Mosquitto's use_identity_as_username, use_subject_as_username).
  bool identity_from_tls = false;
  CertificateName identity_name = CertificateName::common_name;
  // Where nobody is asked: a client is who its CONNECT says. Else it is anonymous, whatever it says.
  bool unchecked_user_names = false;
};

enum class AccessKind : std::uint8_t { rules, mosquitto, jwt, http };

// One [[authorization]] table. They are asked in order; the first that has an opinion decides. With any for the
// client's listener (that is no shadow), what nobody allows is denied.
struct AccessOptions {
  std::string name;
  AccessKind kind = AccessKind::rules;
  std::string path;                    // rules: TOML; mosquitto: acl_file
  std::vector<std::string> listeners;  // whose clients it decides about, by name; empty: all
  bool shadow = false;                 // only reports what it would decide otherwise
  bool lenient_subscribe = false;      // mosquitto: SUBSCRIBE is acknowledged, and reading is checked at delivery
  std::string url;                     // http
  std::string ca_file;
  std::string token_file;
  std::uint32_t timeout_ms = 3'000;
  std::uint32_t cache_s = 60;
};

struct AuthOptions {
  std::vector<ProviderOptions> providers;
  std::vector<AccessOptions> access;
  std::vector<ListenerAuth> listeners;  // by listener_index
  // Names that rules may have although nobody comes through such a listener yet: a restart opens them.
  std::vector<std::string> coming_listeners = {};
  std::uint32_t workers = 4;           // threads for what takes time: password hashes, look-ups
  std::uint32_t max_waiting = 10'000;  // questions that wait for one of them; more are refused (server busy)
};

}  // namespace martlet::auth
