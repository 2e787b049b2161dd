#include "auth/jwt_token.h"

#include <algorithm>
#include <cmath>

#include "auth/base64.h"
#include "auth/bounded_json.h"

namespace martlet::auth {
namespace {

using nlohmann::json;

// Keys that are tried for a token that names none.
constexpr int kMaxTries = 8;
// The year 9999.
constexpr double kMaxSeconds = 253'402'300'799.0;

std::optional<json> object_of(std::string_view part) {
  const auto bytes = base64_decode(part, Base64::url);
  if (!bytes) return std::nullopt;
  return parse_json_object(as_text(*bytes));
}

std::string_view text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                     : std::string_view{};
}

// The NumericDate `name` in milliseconds; nothing if it is not there, an Error if it is none.
Result<std::optional<std::int64_t>> time_of(const json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::optional<std::int64_t>{};
  const double seconds = found->is_number() ? found->get<double>() : std::nan("");
  if (!(seconds >= 0)) return fail(std::string("the token's `") + name + "` is no time");
  return std::optional(static_cast<std::int64_t>(std::min(seconds, kMaxSeconds) * 1'000));
}

bool is_for(const json& claims, const std::string& audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (!found->is_array()) return *found == audience;
  return std::find(found->begin(), found->end(), json(audience)) != found->end();
}

}  // namespace

std::string_view JwtToken::key_id() const {
  return text_of(header, "kid");
}

std::optional<JwtToken> split_token(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  if (text.size() > kMaxTokenBytes || std::count(text.begin(), text.end(), '.') != 2) return std::nullopt;
  const std::size_t first = text.find('.');
  const std::size_t second = text.rfind('.');
  auto signature = base64_decode(text.substr(second + 1), Base64::url);
  auto header = object_of(text.substr(0, first));
  if (!signature || !header) return std::nullopt;
  auto claims = object_of(text.substr(first + 1, second - first - 1));
  if (!claims) return std::nullopt;
  return JwtToken{std::move(*header), std::move(*claims), bytes.first(second), std::move(*signature)};
}

JwtMatch check_signature(const JwtToken& token, const JwtKeySet& keys, const JwtRules& rules) {
  const auto algorithm = jwt_algorithm(text_of(token.header, "alg"));
  const std::vector<JwtAlgorithm>& allowed = rules.algorithms;
  if (!algorithm || token.header.contains("crit")) return JwtMatch::does_not_fit;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), *algorithm) == allowed.end()) {
    return JwtMatch::does_not_fit;
  }
  const std::string_view id = token.key_id();
  bool found = false;
  int tries = 0;
  for (const JwtKey& key : keys) {
    // A key without a name, such as one from a PEM file, may be any.
    if (!id.empty() && !key.id().empty() && key.id() != id) continue;
    found = true;
    if (!key.fits(*algorithm)) continue;
    if (key.verifies(*algorithm, token.signed_part, token.signature)) return JwtMatch::fits;
    if (++tries == kMaxTries) break;
  }
  return found ? JwtMatch::does_not_fit : JwtMatch::no_such_key;
}

Result<std::int64_t> check_claims(const json& claims, const JwtRules& rules, std::int64_t wall_ms) {
  const auto exp = time_of(claims, "exp");
  if (!exp) return tl::unexpected(exp.error());
  const auto nbf = time_of(claims, "nbf");
  if (!nbf) return tl::unexpected(nbf.error());
  const auto iat = time_of(claims, "iat");
  if (!iat) return tl::unexpected(iat.error());
  if (*exp && **exp + rules.leeway_ms <= wall_ms) return fail("the token has expired");
  if (*nbf && **nbf > wall_ms + rules.leeway_ms) return fail("the token is not valid yet");
  if (*iat && **iat > wall_ms + rules.leeway_ms) return fail("the token was issued in the future");
  if (!rules.issuer.empty() && text_of(claims, "iss") != rules.issuer) return fail("the token is from another issuer");
  if (!rules.audience.empty() && !is_for(claims, rules.audience)) return fail("the token is for another audience");
  return *exp ? **exp + rules.leeway_ms : 0;
}

}  // namespace martlet::auth
