#include "net/tls_identities.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace martlet::net {
namespace {

// Instead of OpenSSL's own, which asks at the terminal.
int refuse_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<OwnedKey> parse_key(std::string_view option, const std::string& file, std::string_view text) {
  bool encrypted = false;
  ERR_clear_error();
  const OwnedBio bio = bio_over(text);
  OwnedKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, &encrypted));
  if (key) return key;
  if (encrypted) {
    ERR_clear_error();
    return fail(fmt::format("{}: the key in '{}' has a password; write one without: openssl pkey -in FILE -out NEW",
                            option, file));
  }
  ERR_clear_error();
  if (text.find("PRIVATE KEY-----") == std::string_view::npos) {
    return fail(fmt::format("{}: no private key in '{}'; it must be PEM", option, file));
  }
  return fail(
      fmt::format("{}: the private key in '{}' is damaged or of a kind that OpenSSL does not know", option, file));
}

// The first certificate, and the others as its chain.
Result<void> parse_chain(std::string_view option, const std::string& file, std::string_view text, TlsIdentity& to) {
  ERR_clear_error();
  const OwnedBio bio = bio_over(text);
  to.chain.reset(sk_X509_new_null());
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (!to.certificate) {
      to.certificate.reset(certificate);
    } else {
      sk_X509_push(to.chain.get(), certificate);
    }
  }
  if (!at_pem_end()) {
    return fail(fmt::format("{}: a certificate in '{}' is damaged: {}", option, file, take_openssl_error()));
  }
  if (to.certificate) return {};
  return fail(
      fmt::format("{}: no certificate in '{}'; it must be PEM, the server's own certificate first", option, file));
}

void add_name(const ASN1_STRING* name, std::vector<std::string>& names) {
  const std::string_view text(
      as_text({ASN1_STRING_get0_data(name), static_cast<std::size_t>(ASN1_STRING_length(name))}));
  if (text.empty() || text.find('\0') != std::string_view::npos) return;
  std::string& lower = names.emplace_back(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) add_name(name->d.dNSName, names);
  }
  GENERAL_NAMES_free(alternatives);
  ERR_clear_error();
  if (!names.empty()) return names;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place >= 0) add_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)), names);
  return names;
}

Result<TlsIdentity> load_one(std::string_view option, const std::string& file, const std::string& key_file,
                             TlsSources& sources) {
  TlsIdentity made;
  const Result<std::string> text = sources.read(option, file);
  if (!text) return tl::unexpected(text.error());
  if (auto parsed = parse_chain(option, file, *text, made); !parsed) return tl::unexpected(parsed.error());
  const bool apart = !key_file.empty() && key_file != file;
  Result<std::string> key_text = apart ? sources.read("key", key_file) : text;
  if (!key_text) return tl::unexpected(key_text.error());
  Result<OwnedKey> key = parse_key(apart ? "key" : option, apart ? key_file : file, *key_text);
  OPENSSL_cleanse(key_text->data(), key_text->size());
  if (!key) return tl::unexpected(key.error());
  if (X509_check_private_key(made.certificate.get(), key->get()) != 1) {
    ERR_clear_error();
    return fail(
        fmt::format("{}: the key in '{}' does not belong to the first certificate in '{}' ({}); give the key that "
                    "it was made with",
                    apart ? "key" : option, apart ? key_file : file, file, subject_of(made.certificate.get())));
  }
  made.source = fmt::format("{}: '{}'", option, file);
  made.key = std::move(*key);
  made.key_kind = EVP_PKEY_get_base_id(made.key.get());
  made.names = names_of(made.certificate.get());
  return made;
}

// `*.example.com` is for `a.example.com`, not for `a.b.example.com` or `example.com`.
bool wildcard_covers(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return false;
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && name.substr(dot) == pattern.substr(1);
}

bool has_kind(const std::vector<const TlsIdentity*>& list, int kind) {
  return std::any_of(list.begin(), list.end(), [&](const TlsIdentity* it) { return it->key_kind == kind; });
}

}  // namespace

Result<TlsIdentities> TlsIdentities::load(const TlsOptions& options, TlsSources& sources) {
  TlsIdentities made;
  if (options.certificate.empty()) {
    if (!options.key.empty()) return fail("key: it needs a certificate beside it; set `certificate` to its file");
    if (!options.more_certificates.empty()) {
      return fail("more_certificates: they need a `certificate` for clients that ask for no name or another one");
    }
    return made;
  }
  const auto add = [&](std::string_view option, const std::string& file, const std::string& key) -> Result<void> {
    Result<TlsIdentity> one = load_one(option, file, key, sources);
    if (!one) return tl::unexpected(one.error());
    made.all_.push_back(std::move(*one));
    return {};
  };
  if (auto added = add("certificate", options.certificate, options.key); !added) return tl::unexpected(added.error());
  for (const std::string& file : options.more_certificates) {
    if (auto added = add("more_certificates", file, {}); !added) return tl::unexpected(added.error());
  }
  for (const TlsIdentity& one : made.all_) {
    const bool same_names = one.names == made.all_.front().names;
    if (same_names && !has_kind(made.standard_, one.key_kind)) made.standard_.push_back(&one);
  }
  return made;
}

std::vector<const TlsIdentity*> TlsIdentities::choose(std::string_view server_name) const {
  std::string lower(server_name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  std::vector<const TlsIdentity*> exact;
  std::vector<const TlsIdentity*> wild;
  for (const TlsIdentity& one : all_) {
    for (const std::string& name : one.names) {
      if (name == lower && !has_kind(exact, one.key_kind)) exact.push_back(&one);
      if (wildcard_covers(name, lower) && !has_kind(wild, one.key_kind)) wild.push_back(&one);
    }
  }
  if (!exact.empty()) return exact;
  return wild.empty() ? standard_ : wild;
}

std::vector<TlsValidity> TlsIdentities::validities() const {
  std::vector<TlsValidity> validities;
  validities.reserve(all_.size());
  for (const TlsIdentity& one : all_) {
    const ASN1_TIME* begin = X509_get0_notBefore(one.certificate.get());
    const ASN1_TIME* end = X509_get0_notAfter(one.certificate.get());
    validities.push_back({one.source, wall_ms_of(begin), wall_ms_of(end), text_of(begin), text_of(end)});
  }
  return validities;
}

}  // namespace martlet::net
