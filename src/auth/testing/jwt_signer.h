// Makes keys and signs tokens, for tests.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "auth/base64.h"
#include "base/check.h"

namespace martlet::auth::testing {

inline std::string url64(std::string_view text) {
  return base64_encode(as_bytes(text), Base64::url);
}

inline std::string hs256_token(std::string_view secret, const std::string& header, const std::string& claims) {
  const std::string input = url64(header) + "." + url64(claims);
  std::array<std::uint8_t, 32> mac{};
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), as_bytes(input).data(), input.size(), mac.data(),
       nullptr);
  return input + "." + base64_encode(mac, Base64::url);
}

class JwtSigner {
 public:
  static JwtSigner rsa(unsigned int bits = 2'048) { return JwtSigner(EVP_RSA_gen(bits)); }
  static JwtSigner ec(const char* curve) { return JwtSigner(EVP_EC_gen(curve)); }
  static JwtSigner ed25519() { return JwtSigner(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

  // A token whose header says `algorithm`, signed as that asks.
  std::string token(const std::string& algorithm, const std::string& claims,
                    const std::string& more_header = "") const {
    const std::string input = url64(R"({"alg":")" + algorithm + "\"" + more_header + "}") + "." + url64(claims);
    std::vector<std::uint8_t> signature = sign(algorithm, input);
    if (algorithm.starts_with("ES"))
      signature = raw_of(signature, algorithm == "ES256" ? 32 : algorithm == "ES384" ? 48 : 66);
    return input + "." + base64_encode(signature, Base64::url);
  }

  std::string pem() const {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_PUBKEY(bio.get(), key_.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  nlohmann::json jwk(const std::string& id) const {
    nlohmann::json jwk = {{"kid", id}, {"use", "sig"}};
    switch (EVP_PKEY_get_base_id(key_.get())) {
      case EVP_PKEY_RSA:
        jwk["kty"] = "RSA";
        jwk["n"] = number(OSSL_PKEY_PARAM_RSA_N, 0);
        jwk["e"] = number(OSSL_PKEY_PARAM_RSA_E, 0);
        return jwk;
      case EVP_PKEY_EC: {
        const int size = (EVP_PKEY_get_bits(key_.get()) + 7) / 8;
        jwk["kty"] = "EC";
        jwk["crv"] = size == 32 ? "P-256" : size == 48 ? "P-384" : "P-521";
        jwk["x"] = number(OSSL_PKEY_PARAM_EC_PUB_X, size);
        jwk["y"] = number(OSSL_PKEY_PARAM_EC_PUB_Y, size);
        return jwk;
      }
      default: {
        std::array<std::uint8_t, 32> raw{};
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(key_.get(), raw.data(), &size);
        jwk["kty"] = "OKP";
        jwk["crv"] = "Ed25519";
        jwk["x"] = base64_encode(raw, Base64::url);
        return jwk;
      }
    }
  }

 private:
  explicit JwtSigner(EVP_PKEY* key) : key_(key, EVP_PKEY_free) { check(key != nullptr, "a key was made"); }

  std::string number(const char* name, int size) const {
    BIGNUM* value = nullptr;
    check(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1, "the key has the number");
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size > 0 ? size : BN_num_bytes(value)));
    BN_bn2binpad(value, bytes.data(), static_cast<int>(bytes.size()));
    BN_free(value);
    return base64_encode(bytes, Base64::url);
  }

  std::vector<std::uint8_t> sign(const std::string& algorithm, const std::string& input) const {
    const EVP_MD* digest = algorithm.ends_with("256")   ? EVP_sha256()
                           : algorithm.ends_with("384") ? EVP_sha384()
                           : algorithm.ends_with("512") ? EVP_sha512()
                                                        : nullptr;
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* parameters = nullptr;
    check(EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key_.get()) == 1, "signing begins");
    if (algorithm.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
    }
    std::size_t size = 0;
    EVP_DigestSign(context.get(), nullptr, &size, as_bytes(input).data(), input.size());
    std::vector<std::uint8_t> signature(size);
    check(EVP_DigestSign(context.get(), signature.data(), &size, as_bytes(input).data(), input.size()) == 1, "signed");
    signature.resize(size);
    return signature;
  }

  static std::vector<std::uint8_t> raw_of(const std::vector<std::uint8_t>& der, int half) {
    const std::uint8_t* from = der.data();
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(der.size()));
    std::vector<std::uint8_t> raw(static_cast<std::size_t>(2 * half));
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw.data(), half);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw.data() + half, half);
    ECDSA_SIG_free(pair);
    return raw;
  }

  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace martlet::auth::testing
