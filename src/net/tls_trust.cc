#include "net/tls_trust.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/check.h"

namespace martlet::net {
namespace {

Result<void> add_authorities(const std::string& file, std::string_view text, TlsTrust& trust) {
  ERR_clear_error();
  const OwnedBio bio = bio_over(text);
  trust.names.reset(sk_X509_NAME_new_null());
  std::size_t count = 0;
  for (;;) {
    const OwnedCertificate authority(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!authority) break;
    ++count;
    check(X509_STORE_add_cert(trust.store.get(), authority.get()) == 1, "a store takes a certificate");
    sk_X509_NAME_push(trust.names.get(), X509_NAME_dup(X509_get_subject_name(authority.get())));
  }
  if (!at_pem_end()) {
    return fail(fmt::format("client_ca: certificate {} in '{}' is damaged: {}", count + 1, file, take_openssl_error()));
  }
  if (count > 0) return {};
  return fail(fmt::format("client_ca: no certificate in '{}'; it must be PEM, all CAs one after the other", file));
}

Result<void> add_revoked(const std::string& file, std::string_view text, std::int64_t wall_ms, TlsTrust& trust,
                         std::vector<std::string>& warnings) {
  ERR_clear_error();
  const OwnedBio bio = bio_over(text);
  std::size_t count = 0;
  for (;;) {
    const OwnedCrl list(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
    if (!list) break;
    ++count;
    check(X509_STORE_add_crl(trust.store.get(), list.get()) == 1, "a store takes a list of revoked certificates");
    const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list.get());
    if (!next || wall_ms_of(next) > wall_ms) continue;
    warnings.push_back(
        fmt::format("crl: list {} in '{}' was to be replaced on {}: the clients of its CA are refused "
                    "until there is a new one",
                    count, file, text_of(next)));
  }
  if (!at_pem_end()) {
    return fail(fmt::format("crl: list {} in '{}' is damaged: {}", count + 1, file, take_openssl_error()));
  }
  if (count == 0) return fail(fmt::format("crl: no list of revoked certificates in '{}'; it must be PEM", file));
  // Of the whole chain; but that of a CA above the client's own may be missing (see on_verify).
  X509_STORE_set_flags(trust.store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

}  // namespace

Result<TlsTrust> load_trust(const TlsOptions& options, std::int64_t wall_ms, TlsSources& sources) {
  TlsTrust trust;
  if (options.client_ca_file.empty() && options.client_ca_dir.empty()) {
    if (options.require_certificate) {
      return fail("require_certificate: it needs client_ca or client_ca_dir, which tell whose certificates are good");
    }
    if (!options.crl_file.empty()) return fail("crl: it needs client_ca or client_ca_dir beside it");
    return trust;
  }
  trust.store.reset(X509_STORE_new());
  check(trust.store != nullptr, "OpenSSL has memory");
  if (!options.client_ca_file.empty()) {
    const Result<std::string> text = sources.read("client_ca", options.client_ca_file);
    if (!text) return tl::unexpected(text.error());
    auto added = add_authorities(options.client_ca_file, *text, trust);
    if (!added) return tl::unexpected(added.error());
    trust.contents += *text;
  }
  if (!options.client_ca_dir.empty()) {
    if (X509_STORE_load_path(trust.store.get(), options.client_ca_dir.c_str()) != 1) {
      return fail(fmt::format("client_ca_dir: cannot use '{}': {}", options.client_ca_dir, take_openssl_error()));
    }
    sources.add(options.client_ca_dir);
  }
  if (options.crl_file.empty()) return trust;
  const Result<std::string> text = sources.read("crl", options.crl_file);
  if (!text) return tl::unexpected(text.error());
  if (auto added = add_revoked(options.crl_file, *text, wall_ms, trust, sources.warnings); !added) {
    return tl::unexpected(added.error());
  }
  trust.contents.append("\0", 1).append(*text);
  return trust;
}

}  // namespace martlet::net
