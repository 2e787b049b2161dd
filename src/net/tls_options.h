// What an operator sets of TLS for one listener. Files are PEM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::net {

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

struct TlsOptions {
  std::string certificate;                     // the server's chain; empty without TLS, or with PSK alone
  std::string key;                             // its key; empty: in the file of the certificate
  std::vector<std::string> more_certificates;  // chain and key in one file; chosen by their names for SNI
  std::string client_ca_file;                  // who may have signed clients' certificates
  std::string client_ca_dir;                   // the same as a directory with hashed names
  std::string crl_file;                        // revoked client certificates; then each CA needs one
  bool require_certificate = false;  // else one is asked for and verified if there is a CA, but may be missing
  TlsVersion min_version = TlsVersion::v1_2;
  TlsVersion max_version = TlsVersion::v1_3;
  std::string ciphers;        // of 1.2, as OpenSSL's cipher list; empty: OpenSSL's default
  std::string cipher_suites;  // of 1.3
  std::string dh_file;        // parameters for DHE of 1.2; empty: no DHE, only ECDHE
  std::string psk_file;       // lines `identity:hexkey`
  std::string psk_hint;       // told to clients of 1.2; a listener with a PSK file needs none
  std::string key_log_file;   // SSLKEYLOGFILE's format, for debugging only
  bool session_resumption = true;

  bool on() const { return !certificate.empty() || !psk_file.empty(); }
};

}  // namespace martlet::net
