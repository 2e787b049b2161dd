#include "auth/make_jwt.h"

#include <fmt/format.h>

#include <utility>

#include "auth/http_client.h"
#include "auth/jwt_provider.h"

namespace martlet::auth {
namespace {

constexpr std::size_t kMaxKeyFileBytes = 65'536;
constexpr long kFound = 200;

// Adds the key of `path`, made by `make`; nothing without a path.
template <class Make>
Result<void> add_key(env::Files& files, const std::string& path, const Make& make, JwtKeySet& keys) {
  if (path.empty()) return {};
  const auto text = files.read_all(path, kMaxKeyFileBytes);
  if (!text) return tl::unexpected(text.error());
  auto key = make(*text);
  if (!key) return fail(fmt::format("{}: {}", path, key.error().message));
  keys.push_back(std::move(*key));
  return {};
}

// All bytes of the file are the key, but for one line break at its end.
Result<JwtKey> key_of_secret_file(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return JwtKey::from_secret(text);
}

Result<void> add_set(env::Files& files, const std::string& path, JwtKeySet& keys) {
  const auto text = files.read_all(path, kMaxJwkSetBytes);
  if (!text) return tl::unexpected(text.error());
  auto set = parse_jwk_set(*text);
  if (!set) return fail(fmt::format("{}: {}", path, set.error().message));
  std::move(set->begin(), set->end(), std::back_inserter(keys));
  return {};
}

Result<JwtKeyStore::Fetch> fetch_from(const ProviderOptions& options, env::Files& files) {
  auto made = HttpClient::make({options.jwks, options.ca_file, options.token_file}, files);
  if (!made) return tl::unexpected(made.error());
  const std::shared_ptr<HttpClient> client = std::move(*made);
  const std::int64_t timeout_ms = options.timeout_ms;
  return [client, timeout_ms]() -> Result<std::string> {
    auto answer = client->get(timeout_ms);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->too_large) return fail("the answer is too large");
    if (answer->status != kFound) return fail(fmt::format("the answer has the status {}", answer->status));
    return std::move(answer->body);
  };
}

Result<JwtRules> rules_of(const ProviderOptions& options) {
  JwtRules rules{{}, options.issuer, options.audience, std::int64_t{options.leeway_s} * 1'000};
  for (const std::string& text : options.algorithms) {
    const auto algorithm = jwt_algorithm(text);
    if (!algorithm) {
      return fail(
          fmt::format("algorithms: \"{}\" is none of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, "
                      "ES256, ES384, ES512, EdDSA",
                      text));
    }
    rules.algorithms.push_back(*algorithm);
  }
  return rules;
}

}  // namespace

Result<std::unique_ptr<Provider>> make_jwt(const ProviderOptions& options, env::Files& files,
                                           JwtKeyStore::Report report) {
  JwtKeySet keys;
  JwtKeyStore::Fetch fetch;
  if (auto done = add_key(files, options.secret_file, key_of_secret_file, keys); !done) {
    return tl::unexpected(done.error());
  }
  if (auto done = add_key(files, options.public_key_file, JwtKey::from_pem, keys); !done) {
    return tl::unexpected(done.error());
  }
  if (options.jwks.find("://") != std::string::npos) {
    auto made = fetch_from(options, files);
    if (!made) return fail(fmt::format("jwks: {}", made.error().message));
    fetch = std::move(*made);
  } else if (!options.jwks.empty()) {
    if (auto done = add_set(files, options.jwks, keys); !done) return tl::unexpected(done.error());
  }
  if (keys.empty() && !fetch) {
    return fail("it has no key: set secret_file, public_key_file or jwks");
  }
  auto rules = rules_of(options);
  if (!rules) return tl::unexpected(rules.error());
  JwtSettings settings{options.name,         std::move(*rules), options.username_claim,
                       options.groups_claim, options.acl_claim, options.token_from_username};
  return make_jwt_provider(std::move(settings),
                           std::make_unique<JwtKeyStore>(std::move(keys), std::move(fetch),
                                                         std::int64_t{options.refresh_s} * 1'000, std::move(report)));
}

}  // namespace martlet::auth
