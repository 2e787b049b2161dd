#include "auth/jwt_provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "auth/acl_json.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxNameBytes = 65'535;
constexpr std::size_t kMaxGroups = 100;

// The claim `name`; if there is none, what `a.b` finds in the object `a`. Null if that is not there.
const json* claim(const json& claims, std::string_view name) {
  const json* object = &claims;
  for (;;) {
    if (!object->is_object()) return nullptr;
    if (const auto found = object->find(name); found != object->end()) return &*found;
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return nullptr;
    const auto outer = object->find(name.substr(0, dot));
    if (outer == object->end()) return nullptr;
    object = &*outer;
    name.remove_prefix(dot + 1);
  }
}

// False if `value` is neither a text nor a list of texts.
bool read_groups(const json& value, std::vector<std::string>& groups) {
  if (value.is_string()) {
    groups.push_back(value.get<std::string>());
    return true;
  }
  if (!value.is_array() || value.size() > kMaxGroups) return false;
  for (const json& group : value) {
    if (!group.is_string()) return false;
    groups.push_back(group.get<std::string>());
  }
  return true;
}

class JwtProvider final : public Provider {
 public:
  JwtProvider(JwtSettings settings, std::unique_ptr<JwtKeyStore> keys)
      : settings_(std::move(settings)), keys_(std::move(keys)) {}

  std::string_view name() const override { return settings_.name; }
  bool blocks() const override { return keys_->is_slow(); }

  Opinion check(const Credentials& credentials, std::int64_t wall_ms) override {
    const auto token = token_of(credentials);
    if (!token) return Opinion::unknown();
    const std::string& issuer = settings_.rules.issuer;
    if (const auto iss = token->claims.find("iss"); !issuer.empty() && iss != token->claims.end() && *iss != issuer) {
      return Opinion::unknown();
    }
    auto keys = keys_->keys(wall_ms);
    if (!keys) return Opinion::failed(keys.error().message);
    JwtMatch match = check_signature(*token, **keys, settings_.rules);
    if (match == JwtMatch::no_such_key) {
      if (const auto newer = keys_->newer_than(*keys, wall_ms))
        match = check_signature(*token, *newer, settings_.rules);
    }
    if (match == JwtMatch::no_such_key) return Opinion::refuse("the token is signed with a key that is not known");
    if (match != JwtMatch::fits) return Opinion::refuse("the token's signature does not fit");
    const auto until = check_claims(token->claims, settings_.rules, wall_ms);
    if (!until) return Opinion::refuse(until.error().message);
    return grant(*token, credentials, *until);
  }

 private:
  std::optional<JwtToken> token_of(const Credentials& credentials) const {
    if (settings_.token_from_username) {
      return credentials.username ? split_token(as_bytes(*credentials.username)) : std::nullopt;
    }
    return credentials.password ? split_token(*credentials.password) : std::nullopt;
  }

  // Who a token that fits is.
  Opinion grant(const JwtToken& token, const Credentials& credentials, std::int64_t until_wall_ms) const {
    Opinion opinion = Opinion::allow();
    opinion.until_wall_ms = until_wall_ms;
    const std::string given =
        settings_.token_from_username ? std::string() : credentials.username.value_or(std::string());
    opinion.username = given;
    if (!settings_.username_claim.empty()) {
      const json* name = claim(token.claims, settings_.username_claim);
      if (name == nullptr || !name->is_string()) {
        return Opinion::refuse(fmt::format("the token has no `{}`", settings_.username_claim));
      }
      opinion.username = name->get<std::string>();
      if (!given.empty() && given != opinion.username) {
        return Opinion::refuse("the user name is not the one of the token");
      }
    }
    if (opinion.username.empty() || opinion.username.size() > kMaxNameBytes || !wire::valid_text(opinion.username)) {
      return Opinion::refuse("the token names no user");
    }
    auto grants = std::make_shared<ClientGrants>();
    if (const char* problem = read_grants(token.claims, *grants)) return Opinion::refuse(problem);
    opinion.grants = std::move(grants);
    return opinion;
  }

  // What is wrong; null if nothing.
  const char* read_grants(const json& claims, ClientGrants& grants) const {
    const json* groups = settings_.groups_claim.empty() ? nullptr : claim(claims, settings_.groups_claim);
    if (groups != nullptr && !read_groups(*groups, grants.groups)) return "the token's groups cannot be read";
    const json* acl = settings_.acl_claim.empty() ? nullptr : claim(claims, settings_.acl_claim);
    if (acl != nullptr && !parse_acl_rules(*acl, grants)) return "the token's rules about topics cannot be read";
    return nullptr;
  }

  const JwtSettings settings_;
  const std::unique_ptr<JwtKeyStore> keys_;
};

}  // namespace

std::unique_ptr<Provider> make_jwt_provider(JwtSettings settings, std::unique_ptr<JwtKeyStore> keys) {
  return std::make_unique<JwtProvider>(std::move(settings), std::move(keys));
}

}  // namespace martlet::auth
