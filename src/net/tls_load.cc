#include "net/tls_load.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "net/tls_callbacks.h"
#include "net/tls_sources.h"
#include "net/tls_trust.h"

namespace martlet::net {
namespace {

// A client's chain and its certificates' bytes. Real ones have three or four and a few kilobytes.
constexpr int kVerifyDepth = 10;
constexpr long kMostChainBytes = 64 * 1024;
// Enough for a client that comes back over one connection; OpenSSL's two are for browsers, which open several.
constexpr std::size_t kTickets = 1;

Result<void> set_versions(SSL_CTX* context, const TlsOptions& options) {
  const auto number = [](TlsVersion version) { return version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION; };
  if (options.min_version > options.max_version) {
    return fail("min_version: it is above max_version, so that no version is left; lower it");
  }
  const bool set = SSL_CTX_set_min_proto_version(context, number(options.min_version)) == 1 &&
                   SSL_CTX_set_max_proto_version(context, number(options.max_version)) == 1;
  if (!set) return fail("min_version: this OpenSSL does not have the version");
  return {};
}

// OpenSSL's own list has the large groups of DHE for 1.3: see set_dh.
void set_groups(SSL_CTX* context) {
  std::string groups = "X25519:P-256:P-384:P-521";
  // What the manual's SSL_CTX_set1_groups_list stands for, without its cast.
  check(SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, groups.data()) == 1, "OpenSSL has the groups");
}

Result<void> set_ciphers(SSL_CTX* context, const TlsOptions& options) {
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    ERR_clear_error();
    return fail(fmt::format("ciphers: \"{}\" names no cipher of TLS 1.2 that OpenSSL has; see `openssl ciphers -v`",
                            options.ciphers));
  }
  // A pre-shared key of 1.3 is for SHA-256: with another suite in front no client could use one beside a certificate.
  const char* const standard =
      options.psk_file.empty() ? "" : "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
  const std::string suites = options.cipher_suites.empty() ? standard : options.cipher_suites;
  if (!suites.empty() && SSL_CTX_set_ciphersuites(context, suites.c_str()) != 1) {
    ERR_clear_error();
    return fail(
        fmt::format("cipher_suites: \"{}\" is no list of TLS 1.3's suites with colons between them; see "
                    "`openssl ciphers -v -s -tls1_3`",
                    options.cipher_suites));
  }
  return {};
}

Result<void> set_dh(SSL_CTX* context, const TlsOptions& options, TlsSources& sources) {
  // Without the file there is no DHE: a client that asked for it, and for nothing in return, would make the broker
  // compute for some milliseconds each time. ECDHE serves every client of the last ten years.
  if (options.dh_file.empty()) return {};
  const Result<std::string> text = sources.read("dh", options.dh_file);
  if (!text) return tl::unexpected(text.error());
  OwnedKey parameters(PEM_read_bio_Parameters(bio_over(*text).get(), nullptr));
  if (!parameters || !EVP_PKEY_is_a(parameters.get(), "DH")) {
    ERR_clear_error();
    return fail(
        fmt::format("dh: no DH parameters in '{}'; make some with `openssl dhparam 2048`, or leave the option "
                    "out: OpenSSL then chooses good ones",
                    options.dh_file));
  }
  if (SSL_CTX_set0_tmp_dh_pkey(context, parameters.get()) != 1) {
    return fail(fmt::format("dh: OpenSSL refuses the parameters in '{}': {}", options.dh_file, take_openssl_error()));
  }
  static_cast<void>(parameters.release());  // the context's now
  return {};
}

Result<void> set_identities(SSL_CTX* context, const TlsIdentities& identities) {
  // Those that are only chosen by name are tried as well, so that a client does not find out what is wrong with them.
  for (const TlsIdentity& one : identities.all()) {
    const auto& standard = identities.standard();
    const bool shown = std::find(standard.begin(), standard.end(), &one) != standard.end();
    const OwnedSslContext trial(shown ? nullptr : SSL_CTX_new(TLS_server_method()));
    ERR_clear_error();
    SSL_CTX* to = shown ? context : trial.get();
    if (SSL_CTX_use_cert_and_key(to, one.certificate.get(), one.key.get(), one.chain.get(), 0) == 1) continue;
    return fail(
        fmt::format("{}: OpenSSL refuses to use it: {}; see `openssl x509 -text`, it may have too small a key or "
                    "an old signature",
                    one.source, take_openssl_error()));
  }
  return {};
}

Result<PskTable> load_psk(const TlsOptions& options, TlsSources& sources) {
  if (options.psk_file.empty()) return PskTable();
  Result<std::string> text = sources.read("psk_file", options.psk_file);
  if (!text) return tl::unexpected(text.error());
  Result<PskTable> table = PskTable::parse(*text, fmt::format("psk_file: {}", options.psk_file));
  OPENSSL_cleanse(text->data(), text->size());
  if (table && table->weak_keys() > 0) {
    sources.warnings.push_back(
        fmt::format("psk_file: {} keys in '{}' have less than {} bytes and can be guessed; make "
                    "them with `openssl rand -hex 32`",
                    table->weak_keys(), options.psk_file, PskTable::kGoodKeyBytes));
  }
  return table;
}

Result<void> check_key_log(const TlsOptions& options, env::Files& files) {
  if (options.key_log_file.empty()) return {};
  // The broker does not create it: everybody could read it then, and with it all that is said.
  const Result<std::string> there = files.read_all(options.key_log_file, TlsSources::kMostFileBytes);
  if (there || there.error().system_code == 0) return {};
  return fail(fmt::format("key_log: {}; create it first: install -m 600 /dev/null FILE", there.error().message),
              there.error().system_code);
}

void set_fixed(SSL_CTX* context, bool resumption) {
  std::uint64_t switches =
      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
  if (!resumption) switches |= SSL_OP_NO_TICKET;
  SSL_CTX_set_options(context, switches);
  // An idle connection has no buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  // Sessions are kept by the clients, as tickets: so they cost no memory here and no lock.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, resumption ? kTickets : 0);
  SSL_CTX_set_timeout(context, static_cast<long>(TlsTicketKeys::kTicketSeconds));
  constexpr std::string_view kSessions = "martlet";
  SSL_CTX_set_session_id_context(context, as_bytes(kSessions).data(), kSessions.size());
  SSL_CTX_set_max_cert_list(context, kMostChainBytes);
}

void set_trust(SSL_CTX* context, const TlsOptions& options, TlsTrust& trust) {
  if (!trust.store) return;
  SSL_CTX_set_cert_store(context, trust.store.release());
  if (trust.names) SSL_CTX_set_client_CA_list(context, trust.names.release());
  const int required = options.require_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, on_verify);
  SSL_CTX_set_verify_depth(context, kVerifyDepth);
}

// SHA-256 over everything that a client's admission depends on. All but the server's own certificates: a renewed one
// must not make all clients shake hands anew.
std::string digest_policy(const TlsOptions& options, std::string_view trust, std::string_view psk) {
  return sha256(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}:{}{}", options.require_certificate,
                            static_cast<int>(options.min_version), static_cast<int>(options.max_version),
                            options.ciphers, options.cipher_suites, options.client_ca_file, options.client_ca_dir,
                            options.crl_file, trust.size(), trust, psk));
}

// A directory of CAs is read when a client comes: whether it is the same as before nobody knows.
void choose_tickets(TlsSet& set, const TlsOptions& options, const TlsSet* earlier, env::Clock& clock) {
  const bool keep = earlier && earlier->policy == set.policy && options.client_ca_dir.empty();
  set.tickets = keep ? earlier->tickets : std::make_shared<TlsTicketKeys>(clock);
}

}  // namespace

Result<std::shared_ptr<const TlsSet>> load_tls_set(const TlsOptions& options, bool websocket, const TlsSet* earlier,
                                                   env::Files& files, env::Clock& clock) {
  if (!options.on()) return fail("certificate: TLS needs one, or a psk_file");
  auto set = std::make_shared<TlsSet>();
  set->files = &files;
  set->alpn = websocket ? "http/1.1" : "mqtt";
  set->key_log_file = options.key_log_file;
  set->context.reset(SSL_CTX_new(TLS_server_method()));
  check(set->context != nullptr, "OpenSSL makes a context");
  SSL_CTX* context = set->context.get();
  TlsSources sources(files);
  const std::int64_t wall_ms = clock.now().wall_ms;

  if (auto done = set_versions(context, options); !done) return tl::unexpected(done.error());
  if (auto done = set_ciphers(context, options); !done) return tl::unexpected(done.error());
  Result<TlsIdentities> identities = TlsIdentities::load(options, sources);
  if (!identities) return tl::unexpected(identities.error());
  set->identities = std::move(*identities);
  if (auto done = set_identities(context, set->identities); !done) return tl::unexpected(done.error());
  Result<TlsTrust> trust = load_trust(options, wall_ms, sources);
  if (!trust) return tl::unexpected(trust.error());
  Result<PskTable> psk = load_psk(options, sources);
  if (!psk) return tl::unexpected(psk.error());
  set->psk = std::move(*psk);
  if (auto done = set_dh(context, options, sources); !done) return tl::unexpected(done.error());
  if (auto done = check_key_log(options, files); !done) return tl::unexpected(done.error());

  set->policy = digest_policy(options, trust->contents, set->psk.digest());
  choose_tickets(*set, options, earlier, clock);
  set_fixed(context, options.session_resumption);
  set_groups(context);
  set_trust(context, options, *trust);
  if (!options.psk_hint.empty() && SSL_CTX_use_psk_identity_hint(context, options.psk_hint.c_str()) != 1) {
    return fail(fmt::format("psk_hint: it is longer than {} bytes", PSK_MAX_IDENTITY_LEN));
  }
  set_callbacks(*set, context, options.session_resumption);
  set->sources = sources.names();
  set->warnings = std::move(sources.warnings);
  return set;
}

}  // namespace martlet::net
