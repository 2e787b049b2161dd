// The certificates that a listener shows, and which of them for which name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tls_openssl.h"
#include "net/tls_options.h"
#include "net/tls_sources.h"
#include "net/tls_validity.h"

namespace martlet::net {

// A certificate with its chain and key.
struct TlsIdentity {
  std::string source;  // option and file, as errors begin
  OwnedCertificate certificate;
  OwnedCertificates chain;  // without the certificate; may be empty
  OwnedKey key;
  std::vector<std::string> names;  // of its DNS names, else its common name; lower case
  int key_kind = 0;                // EVP_PKEY_RSA, EVP_PKEY_EC, ...
};

// Immutable once loaded: any thread.
class TlsIdentities {
 public:
  // Reads options.certificate with options.key, and more_certificates. Errors name the option and the file. A
  // certificate that is not good today is no error, since clients may not care and without it nobody comes in.
  static Result<TlsIdentities> load(const TlsOptions& options, TlsSources& sources);

  bool empty() const { return all_.empty(); }
  const std::vector<TlsIdentity>& all() const { return all_; }
  // The first one, and those of other kinds of key with the same names.
  const std::vector<const TlsIdentity*>& standard() const { return standard_; }
  // Those to show to a client that asks for `server_name`, at most one for each kind of key: with that name, else with
  // a wildcard for it; standard() if there is none.
  std::vector<const TlsIdentity*> choose(std::string_view server_name) const;
  // True if choose() can answer differently.
  bool choice() const { return all_.size() > standard_.size(); }
  // From when to when each of the certificates is good.
  std::vector<TlsValidity> validities() const;

 private:
  std::vector<TlsIdentity> all_;
  std::vector<const TlsIdentity*> standard_;
};

}  // namespace martlet::net
