#include "auth/jwt_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <utility>

#include "auth/crypto.h"

namespace martlet::auth {
namespace {

constexpr std::size_t kMinSecretBytes = 32;
constexpr int kMinRsaBits = 2'048;
constexpr int kMaxRsaBits = 8'192;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

struct AlgorithmFacts {
  JwtAlgorithm algorithm;
  std::string_view name;
  const EVP_MD* (*digest)();  // null: the signature has its own
};
constexpr std::array<AlgorithmFacts, 13> kAlgorithms{{
    {JwtAlgorithm::hs256, "HS256", EVP_sha256},
    {JwtAlgorithm::hs384, "HS384", EVP_sha384},
    {JwtAlgorithm::hs512, "HS512", EVP_sha512},
    {JwtAlgorithm::rs256, "RS256", EVP_sha256},
    {JwtAlgorithm::rs384, "RS384", EVP_sha384},
    {JwtAlgorithm::rs512, "RS512", EVP_sha512},
    {JwtAlgorithm::ps256, "PS256", EVP_sha256},
    {JwtAlgorithm::ps384, "PS384", EVP_sha384},
    {JwtAlgorithm::ps512, "PS512", EVP_sha512},
    {JwtAlgorithm::es256, "ES256", EVP_sha256},
    {JwtAlgorithm::es384, "ES384", EVP_sha384},
    {JwtAlgorithm::es512, "ES512", EVP_sha512},
    {JwtAlgorithm::eddsa, "EdDSA", nullptr},
}};

const EVP_MD* digest_of(JwtAlgorithm algorithm) {
  const auto& facts = kAlgorithms[static_cast<std::size_t>(algorithm)];
  return facts.digest == nullptr ? nullptr : facts.digest();
}

bool is_pss(JwtAlgorithm algorithm) {
  return algorithm >= JwtAlgorithm::ps256 && algorithm <= JwtAlgorithm::ps512;
}

// r and s one behind the other, as tokens have them, in the form that OpenSSL checks [RFC 7518 3.4]. Empty if it is
// none.
std::vector<std::uint8_t> der_of(ByteView signature, std::size_t half_bytes) {
  if (signature.size() != 2 * half_bytes) return {};
  const EcdsaSignature pair(ECDSA_SIG_new());
  const int half = static_cast<int>(half_bytes);
  BIGNUM* r = BN_bin2bn(signature.data(), half, nullptr);
  BIGNUM* s = BN_bin2bn(signature.data() + half_bytes, half, nullptr);
  if (!pair || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(i2d_ECDSA_SIG(pair.get(), nullptr)));
  std::uint8_t* to = der.data();
  i2d_ECDSA_SIG(pair.get(), &to);
  return der;
}

EVP_PKEY* as_key(const std::shared_ptr<void>& key) {
  return static_cast<EVP_PKEY*>(key.get());
}

}  // namespace

std::optional<JwtAlgorithm> jwt_algorithm(std::string_view name) {
  const auto* found = std::find_if(kAlgorithms.begin(), kAlgorithms.end(),
                                   [&](const AlgorithmFacts& facts) { return facts.name == name; });
  if (found == kAlgorithms.end()) return std::nullopt;
  return found->algorithm;
}

Result<JwtKey> JwtKey::from_secret(std::string_view secret) {
  if (secret.size() < kMinSecretBytes) return fail("the secret is shorter than 32 bytes: it could be guessed");
  JwtKey key;
  key.secret_ = std::shared_ptr<const std::string>(new std::string(secret), [](std::string* text) {
    wipe(*text);
    delete text;
  });
  return key;
}

Result<JwtKey> JwtKey::from_pem(const std::string& pem) {
  const auto reader = [&] { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); };
  EVP_PKEY* key = PEM_read_bio_PUBKEY(reader().get(), nullptr, nullptr, nullptr);
  if (key == nullptr) {
    const Certificate certificate(PEM_read_bio_X509(reader().get(), nullptr, nullptr, nullptr));
    if (certificate) key = X509_get_pubkey(certificate.get());
  }
  ERR_clear_error();
  if (key == nullptr) return fail("there is no public key and no certificate in PEM");
  return from_public(std::shared_ptr<void>(key, [](void* pointer) { EVP_PKEY_free(static_cast<EVP_PKEY*>(pointer)); }));
}

Result<JwtKey> JwtKey::from_public(std::shared_ptr<void> key) {
  static constexpr std::array<std::pair<std::string_view, Type>, 3> kCurves{
      {{"prime256v1", Type::p256}, {"secp384r1", Type::p384}, {"secp521r1", Type::p521}}};
  JwtKey made;
  switch (EVP_PKEY_get_base_id(as_key(key))) {
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_get_bits(as_key(key));
      if (bits < kMinRsaBits || bits > kMaxRsaBits) return fail("the RSA key has not between 2048 and 8192 bits");
      made.type_ = Type::rsa;
      break;
    }
    case EVP_PKEY_ED25519:
      made.type_ = Type::ed25519;
      break;
    case EVP_PKEY_EC: {
      std::array<char, 64> name{};
      std::size_t size = 0;
      EVP_PKEY_get_utf8_string_param(as_key(key), OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(), &size);
      const std::string_view group(name.data(), size);
      const auto* curve =
          std::find_if(kCurves.begin(), kCurves.end(), [&](const auto& one) { return one.first == group; });
      if (curve == kCurves.end()) return fail("of the elliptic curves P-256, P-384 and P-521 are known");
      made.type_ = curve->second;
      break;
    }
    default:
      return fail("the key is neither RSA nor P-256, P-384, P-521 or Ed25519");
  }
  made.public_ = std::move(key);
  return made;
}

bool JwtKey::fits(JwtAlgorithm algorithm) const {
  if (only_ && *only_ != algorithm) return false;
  switch (type_) {
    case Type::secret:
      // A key as long as the digest [RFC 7518 3.2].
      return algorithm <= JwtAlgorithm::hs512 &&
             secret_->size() >= static_cast<std::size_t>(EVP_MD_get_size(digest_of(algorithm)));
    case Type::rsa:
      return algorithm >= JwtAlgorithm::rs256 && algorithm <= JwtAlgorithm::ps512;
    case Type::p256:
      return algorithm == JwtAlgorithm::es256;
    case Type::p384:
      return algorithm == JwtAlgorithm::es384;
    case Type::p521:
      return algorithm == JwtAlgorithm::es512;
    case Type::ed25519:
      break;
  }
  return algorithm == JwtAlgorithm::eddsa;
}

bool JwtKey::verifies(JwtAlgorithm algorithm, ByteView input, ByteView signature) const {
  if (!fits(algorithm)) return false;
  if (type_ != Type::secret) return verifies_public(algorithm, input, signature);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  const auto* done = HMAC(digest_of(algorithm), secret_->data(), static_cast<int>(secret_->size()), input.data(),
                          input.size(), mac.data(), &size);
  return done != nullptr && equal_in_constant_time(ByteView(mac).first(size), signature);
}

bool JwtKey::verifies_public(JwtAlgorithm algorithm, ByteView input, ByteView signature) const {
  std::vector<std::uint8_t> der;
  if (type_ == Type::p256 || type_ == Type::p384 || type_ == Type::p521) {
    der = der_of(signature, type_ == Type::p256 ? 32 : type_ == Type::p384 ? 48 : 66);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  bool ready =
      context && EVP_DigestVerifyInit(context.get(), &parameters, digest_of(algorithm), nullptr, as_key(public_)) == 1;
  if (ready && is_pss(algorithm)) {
    ready = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  const bool fits =
      ready && EVP_DigestVerify(context.get(), signature.data(), signature.size(), input.data(), input.size()) == 1;
  ERR_clear_error();
  return fits;
}

}  // namespace martlet::auth
