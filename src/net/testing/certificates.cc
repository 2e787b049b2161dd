#include "net/testing/certificates.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <array>
#include <atomic>

#include "base/bytes.h"
#include "base/check.h"

namespace martlet::net::testing {
namespace {

// Serial numbers differ, as a list of revoked ones needs.
std::atomic<long> next_serial = 1;

EVP_PKEY* make_key(KeyKind kind) {
  if (kind == KeyKind::ec) return EVP_EC_gen("P-256");
  return EVP_RSA_gen(kind == KeyKind::rsa ? 2048u : 512u);
}

void add_extension(X509* certificate, const X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, const_cast<X509*>(issuer), certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  check(extension != nullptr, "the extension is well-formed");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string written(const auto& write) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  check(write(out.get()) == 1, "OpenSSL writes PEM");
  return bio_text(out.get());
}

}  // namespace

Certificate::Certificate(const CertificateOptions& options, const Certificate* issuer)
    : key_(make_key(options.key)), certificate_(X509_new()) {
  X509* made = certificate_.get();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), next_serial++);
  check(ASN1_TIME_set_string_X509(X509_getm_notBefore(made), options.not_before) == 1, "a date");
  check(ASN1_TIME_set_string_X509(X509_getm_notAfter(made), options.not_after) == 1, "a date");
  X509_set_pubkey(made, key_.get());
  X509_NAME* subject = X509_get_subject_name(made);
  const auto name = as_bytes(options.common_name);
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, as_bytes("Martlet").data(), -1, -1, 0);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name.data(), static_cast<int>(name.size()), -1, 0);
  const X509* signer = issuer ? issuer->certificate() : made;
  X509_set_issuer_name(made, X509_get_subject_name(signer));
  add_extension(made, signer, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (options.authority) add_extension(made, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  std::string alternatives;
  for (const std::string& dns : options.dns_names) {
    alternatives += fmt::format("{}DNS:{}", alternatives.empty() ? "" : ",", dns);
  }
  if (!alternatives.empty()) add_extension(made, signer, NID_subject_alt_name, alternatives);
  check(X509_sign(made, issuer ? issuer->key() : key_.get(), EVP_sha256()) > 0, "OpenSSL signs");
}

std::string Certificate::pem() const {
  return written([&](BIO* out) { return PEM_write_bio_X509(out, certificate()); });
}

std::string Certificate::key_pem() const {
  return written([&](BIO* out) { return PEM_write_bio_PrivateKey(out, key(), nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string Certificate::crl_pem(const std::vector<const Certificate*>& revoked, const char* next_update) const {
  const OwnedCrl list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate()));
  ASN1_TIME* time = ASN1_TIME_new();
  ASN1_TIME_set_string_X509(time, "20200101000000Z");
  X509_CRL_set1_lastUpdate(list.get(), time);
  for (const Certificate* one : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate()));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list.get(), entry);
  }
  ASN1_TIME_set_string_X509(time, next_update);
  X509_CRL_set1_nextUpdate(list.get(), time);
  ASN1_TIME_free(time);
  X509_CRL_sort(list.get());
  check(X509_CRL_sign(list.get(), key(), EVP_sha256()) > 0, "OpenSSL signs");
  return written([&](BIO* out) { return PEM_write_bio_X509_CRL(out, list.get()); });
}

std::string Certificate::fingerprint() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  check(X509_digest(certificate(), EVP_sha256(), digest.data(), &size) == 1, "OpenSSL has SHA-256");
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

Certificate make_authority(const std::string& name, const Certificate* issuer) {
  return Certificate({.common_name = name, .authority = true}, issuer);
}

}  // namespace martlet::net::testing
