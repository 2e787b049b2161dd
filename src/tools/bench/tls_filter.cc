#include "tools/bench/tls_filter.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/check.h"

namespace martlet::tools::bench {
namespace {

constexpr std::size_t kRecordBytes = 16 * 1024;

std::string last_tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "unknown error";
}

class TlsFilter final : public ByteFilter {
 public:
  // Takes over `tls`.
  explicit TlsFilter(ssl_st* tls) : tls_(tls), from_peer_(BIO_new(BIO_s_mem())), to_peer_(BIO_new(BIO_s_mem())) {
    // An empty buffer means "later", not the end.
    BIO_set_mem_eof_return(from_peer_, -1);
    SSL_set_bio(tls_, from_peer_, to_peer_);
    SSL_set_connect_state(tls_);
  }
  ~TlsFilter() override { SSL_free(tls_); }
  TlsFilter(const TlsFilter&) = delete;
  TlsFilter& operator=(const TlsFilter&) = delete;

  void start(ByteBuffer& to_peer) override {
    // Only a ClientHello: nothing came yet that could be wrong.
    static_cast<void>(shake_hands());
    take_output(to_peer);
  }

  bool receive(ByteView bytes, ByteBuffer& to_user, ByteBuffer& to_peer) override {
    while (!bytes.empty()) {
      const int taken = BIO_write(from_peer_, bytes.data(), static_cast<int>(std::min(bytes.size(), kRecordBytes)));
      check(taken > 0, "a buffer in memory takes what it gets");
      bytes = bytes.subspan(static_cast<std::size_t>(taken));
      const bool fine = (ready() || shake_hands()) && (!ready() || read_all(to_user));
      take_output(to_peer);
      if (!fine) return false;
    }
    return true;
  }

  bool ready() const override { return SSL_is_init_finished(tls_) == 1; }

  bool send(ByteView bytes, ByteBuffer& to_peer) override {
    std::size_t written = 0;
    const bool sent = bytes.empty() || SSL_write_ex(tls_, bytes.data(), bytes.size(), &written) == 1;
    take_output(to_peer);
    return sent || fail_with(fmt::format("TLS: {}", last_tls_error()));
  }

  void close(ByteBuffer& to_peer) override {
    if (!ready()) return;
    SSL_shutdown(tls_);
    take_output(to_peer);
  }

 private:
  bool shake_hands() {
    ERR_clear_error();
    const int status = SSL_do_handshake(tls_);
    if (status == 1 || SSL_get_error(tls_, status) == SSL_ERROR_WANT_READ) return true;
    const long verdict = SSL_get_verify_result(tls_);
    std::string why = last_tls_error();
    if (verdict != X509_V_OK) why += fmt::format(": {}", X509_verify_cert_error_string(verdict));
    return fail_with(fmt::format("TLS handshake: {}", why));
  }

  bool read_all(ByteBuffer& to_user) {
    for (;;) {
      const std::size_t size = to_user.size();
      to_user.resize(size + kRecordBytes);
      std::size_t count = 0;
      ERR_clear_error();
      const int status = SSL_read_ex(tls_, to_user.data() + size, kRecordBytes, &count);
      to_user.resize(size + count);
      if (status == 1) continue;
      const int kind = SSL_get_error(tls_, status);
      // After a farewell the socket's end follows.
      if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_ZERO_RETURN) return true;
      return fail_with(fmt::format("TLS: {}", last_tls_error()));
    }
  }

  void take_output(ByteBuffer& to_peer) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(to_peer_, &data);
    if (size <= 0) return;
    append_bytes(to_peer, as_bytes({data, static_cast<std::size_t>(size)}));
    static_cast<void>(BIO_reset(to_peer_));
  }

  ssl_st* tls_;
  BIO* from_peer_;  // both are the SSL's own
  BIO* to_peer_;
};

bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

Result<void> set_version(ssl_ctx_st* context, const std::string& version) {
  const int number = version == "tlsv1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(context, number) != 1) return fail("--tls-version: not supported here");
  if (version.empty() || SSL_CTX_set_max_proto_version(context, number) == 1) return {};
  return fail("--tls-version: not supported here");
}

Result<void> load_files(ssl_ctx_st* context, const TlsOptions& options) {
  const auto fail_file = [](std::string_view option, const std::string& file) {
    return fail(fmt::format("{}: cannot use {}: {}", option, file, last_tls_error()));
  };
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
    return fail_file("--cafile", options.ca_file);
  }
  if (options.cert_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
    return fail_file("--cert", options.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail_file("--key", options.key_file);
  }
  return {};
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::unique_ptr<TlsContext>> TlsContext::make(const TlsOptions& options, std::string_view host) {
  std::unique_ptr<TlsContext> made(new TlsContext(SSL_CTX_new(TLS_client_method()), host, !options.insecure));
  ssl_ctx_st* context = made->context_.get();
  check(context != nullptr, "OpenSSL makes a context");
  if (auto set = set_version(context, options.version); !set) return tl::unexpected(set.error());
  if (auto loaded = load_files(context, options); !loaded) return tl::unexpected(loaded.error());
  const bool verify = !options.insecure || !options.ca_file.empty();
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  // Many connections that are idle: no buffers of their own then.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return made;
}

std::unique_ptr<ByteFilter> TlsContext::make_filter() const {
  ssl_st* tls = SSL_new(context_.get());
  check(tls != nullptr, "OpenSSL makes a connection");
  const bool address = is_address(host_);
  if (!address) {
    // What the SSL_set_tlsext_host_name of the manual stands for, without its cast.
    std::string name = host_;
    SSL_ctrl(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  if (check_name_) {
    X509_VERIFY_PARAM* wanted = SSL_get0_param(tls);
    const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str()) : SSL_set1_host(tls, host_.c_str());
    check(set == 1, "OpenSSL takes the host's name");
  }
  return std::make_unique<TlsFilter>(tls);
}

}  // namespace martlet::tools::bench
