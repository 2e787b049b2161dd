#include "auth/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "base/check.h"

namespace martlet::auth {
namespace {

// OpenSSL takes a null pointer for "no key" instead of an empty one.
const std::uint8_t* pointer(ByteView bytes) {
  static constexpr std::uint8_t kEmpty = 0;
  return bytes.empty() ? &kEmpty : bytes.data();
}

void pbkdf2(ByteView password, ByteView salt, std::uint32_t iterations, const EVP_MD* digest,
            std::span<std::uint8_t> out) {
  const int done = PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(pointer(password)),
                                     static_cast<int>(password.size()), pointer(salt), static_cast<int>(salt.size()),
                                     static_cast<int>(iterations), digest, static_cast<int>(out.size()), out.data());
  check(done == 1, "PBKDF2 cannot fail with legal parameters");
}

}  // namespace

Sha256 sha256(ByteView bytes) {
  Sha256 digest{};
  check(EVP_Digest(pointer(bytes), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
        "SHA-256 is there");
  return digest;
}

Sha256 hmac_sha256(ByteView key, ByteView bytes) {
  Sha256 digest{};
  const auto* done = HMAC(EVP_sha256(), pointer(key), static_cast<int>(key.size()), pointer(bytes), bytes.size(),
                          digest.data(), nullptr);
  check(done != nullptr, "HMAC-SHA-256 is there");
  return digest;
}

Sha512 sha512(ByteView first, ByteView second) {
  Sha512 digest{};
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const bool done = context && EVP_DigestInit_ex(context.get(), EVP_sha512(), nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), pointer(first), first.size()) == 1 &&
                    EVP_DigestUpdate(context.get(), pointer(second), second.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  check(done, "SHA-512 is there");
  return digest;
}

Sha256 pbkdf2_sha256(ByteView password, ByteView salt, std::uint32_t iterations) {
  Sha256 key{};
  pbkdf2(password, salt, iterations, EVP_sha256(), key);
  return key;
}

Sha512 pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t iterations) {
  Sha512 key{};
  pbkdf2(password, salt, iterations, EVP_sha512(), key);
  return key;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(pointer(a), pointer(b), a.size()) == 0;
}

void wipe(std::vector<std::uint8_t>& secret) {
  if (!secret.empty()) OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

void wipe(std::string& secret) {
  if (!secret.empty()) OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace martlet::auth
