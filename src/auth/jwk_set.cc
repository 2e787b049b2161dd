// JSON Web Key Sets [RFC 7517].
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "auth/base64.h"
#include "auth/bounded_json.h"
#include "auth/jwt_key.h"

namespace martlet::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxKeys = 100;
constexpr std::size_t kMaxNumberBytes = 1'024;

std::string_view text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                     : std::string_view{};
}

// What `name` holds in base64url; empty if that is nothing.
std::vector<std::uint8_t> bytes_of(const json& object, const char* name) {
  return base64_decode(text_of(object, name), Base64::url).value_or(std::vector<std::uint8_t>{});
}

struct FreeBuilder {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
};
struct FreeParameters {
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using Builder = std::unique_ptr<OSSL_PARAM_BLD, FreeBuilder>;
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

std::shared_ptr<void> owned(EVP_PKEY* key) {
  if (key == nullptr) return nullptr;
  return {key, [](void* pointer) { EVP_PKEY_free(static_cast<EVP_PKEY*>(pointer)); }};
}

// A public key of `type` with what is in `builder`; null if that is none.
std::shared_ptr<void> built(const char* type, const Builder& builder) {
  const std::unique_ptr<OSSL_PARAM, FreeParameters> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  const bool done = parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  return done ? owned(key) : nullptr;
}

std::shared_ptr<void> rsa_of(const json& jwk) {
  const auto n = bytes_of(jwk, "n");
  const auto e = bytes_of(jwk, "e");
  if (n.empty() || n.size() > kMaxNumberBytes || e.empty() || e.size() > 8) return nullptr;
  const Number modulus(BN_bin2bn(n.data(), static_cast<int>(n.size()), nullptr));
  const Number exponent(BN_bin2bn(e.data(), static_cast<int>(e.size()), nullptr));
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder || BN_is_odd(exponent.get()) == 0 || BN_is_one(exponent.get()) == 1) {
    return nullptr;
  }
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return built("RSA", builder);
}

std::shared_ptr<void> ec_of(const json& jwk) {
  const std::string_view curve = text_of(jwk, "crv");
  const std::size_t size = curve == "P-256" ? 32 : curve == "P-384" ? 48 : curve == "P-521" ? 66 : 0;
  const auto x = bytes_of(jwk, "x");
  const auto y = bytes_of(jwk, "y");
  if (size == 0 || x.size() != size || y.size() != size) return nullptr;
  std::vector<std::uint8_t> point = {4};
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder) return nullptr;
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                  size == 32   ? "prime256v1"
                                  : size == 48 ? "secp384r1"
                                               : "secp521r1",
                                  0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return built("EC", builder);
}

std::shared_ptr<void> edwards_of(const json& jwk) {
  const auto x = bytes_of(jwk, "x");
  if (text_of(jwk, "crv") != "Ed25519" || x.size() != 32) return nullptr;
  return owned(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, x.data(), x.size()));
}

}  // namespace

class JwkReader {
 public:
  // Nothing for a key that is not for signatures, or not of a kind that is known.
  static std::optional<JwtKey> read(const json& jwk) {
    if (!jwk.is_object() || !is_for_signatures(jwk)) return std::nullopt;
    auto key = read_key(jwk);
    if (!key) return std::nullopt;
    key->id_ = text_of(jwk, "kid");
    if (jwk.contains("alg")) {
      key->only_ = jwt_algorithm(text_of(jwk, "alg"));
      if (!key->only_ || !key->fits(*key->only_)) return std::nullopt;
    }
    return std::move(*key);
  }

 private:
  static bool is_for_signatures(const json& jwk) {
    if (jwk.contains("use") && text_of(jwk, "use") != "sig") return false;
    const auto operations = jwk.find("key_ops");
    if (operations == jwk.end()) return true;
    if (!operations->is_array()) return false;
    return std::find(operations->begin(), operations->end(), json("verify")) != operations->end();
  }

  static Result<JwtKey> read_key(const json& jwk) {
    const std::string_view type = text_of(jwk, "kty");
    if (type == "oct") {
      const auto secret = bytes_of(jwk, "k");
      return JwtKey::from_secret(as_text(secret));
    }
    std::shared_ptr<void> key;
    if (type == "RSA") key = rsa_of(jwk);
    if (type == "EC") key = ec_of(jwk);
    if (type == "OKP") key = edwards_of(jwk);
    ERR_clear_error();
    if (!key) return fail("no key of a known kind");
    return JwtKey::from_public(std::move(key));
  }
};

Result<JwtKeySet> parse_jwk_set(std::string_view text) {
  if (text.size() > kMaxJwkSetBytes) return fail("the key set is larger than 65536 bytes");
  const auto object = parse_json_object(text);
  const auto keys = object ? object->find("keys") : json::const_iterator{};
  if (!object || keys == object->end() || !keys->is_array()) return fail("this is no JWK Set: {\"keys\": [...]}");
  JwtKeySet set;
  for (const json& jwk : *keys) {
    if (set.size() == kMaxKeys) break;
    if (auto key = JwkReader::read(jwk)) set.push_back(std::move(*key));
  }
  if (set.empty()) return fail("the key set has no key that checks signatures (RSA, EC, Ed25519, oct)");
  return set;
}

}  // namespace martlet::auth
