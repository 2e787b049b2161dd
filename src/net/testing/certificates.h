// Certificates for tests, made when they run: no key lies in the tree. Their dates are fixed, so that nothing in them
// depends on the clock: good ones from 2020 to 2099.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/tls_openssl.h"

namespace martlet::net::testing {

enum class KeyKind : std::uint8_t {
  ec,
  rsa,
  weak_rsa,  // that OpenSSL refuses
};

struct CertificateOptions {
  std::string common_name;
  std::vector<std::string> dns_names = {};
  KeyKind key = KeyKind::ec;
  const char* not_before = "20200101000000Z";
  const char* not_after = "20990101000000Z";
  bool authority = false;  // may sign others
};

// A certificate with its key.
class Certificate {
 public:
  // Signed by `issuer`, which must be an authority; by itself without one.
  explicit Certificate(const CertificateOptions& options, const Certificate* issuer = nullptr);

  std::string pem() const;
  std::string key_pem() const;
  std::string both_pem() const { return pem() + key_pem(); }
  // A list of what this authority revoked.
  std::string crl_pem(const std::vector<const Certificate*>& revoked,
                      const char* next_update = "20990101000000Z") const;
  // SHA-256 in lower-case hexadecimal.
  std::string fingerprint() const;

  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

 private:
  OwnedKey key_;
  OwnedCertificate certificate_;
};

// An authority; self-signed without an issuer.
Certificate make_authority(const std::string& name, const Certificate* issuer = nullptr);

}  // namespace martlet::net::testing
