#include "tools/bench/tls_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <optional>

namespace martlet::tools::bench {
namespace {

using testing::HasSubstr;

// A key and a certificate for "localhost" that it signs itself.
struct Identity {
  Identity() : key(EVP_EC_gen("P-256")), certificate(X509_new()) {
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, as_bytes("localhost").data(), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
  }
  ~Identity() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  // As PEM files.
  void write(const std::string& certificate_file, const std::string& key_file) const {
    std::FILE* file = std::fopen(certificate_file.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
  EVP_PKEY* key;
  X509* certificate;
};

// The other side, in memory as well: it sends back what it gets.
class Echo {
 public:
  explicit Echo(const Identity& identity)
      : context_(SSL_CTX_new(TLS_server_method())), from_peer_(BIO_new(BIO_s_mem())), to_peer_(BIO_new(BIO_s_mem())) {
    SSL_CTX_use_certificate(context_, identity.certificate);
    SSL_CTX_use_PrivateKey(context_, identity.key);
    BIO_set_mem_eof_return(from_peer_, -1);
    tls_ = SSL_new(context_);
    SSL_set_bio(tls_, from_peer_, to_peer_);
    SSL_set_accept_state(tls_);
  }
  ~Echo() {
    SSL_free(tls_);
    SSL_CTX_free(context_);
  }
  ByteBuffer receive(ByteView bytes) {
    if (!bytes.empty()) BIO_write(from_peer_, bytes.data(), static_cast<int>(bytes.size()));
    ByteBuffer room(64 * 1024);
    for (;;) {
      const int count = SSL_read(tls_, room.data(), static_cast<int>(room.size()));
      if (count <= 0) break;
      SSL_write(tls_, room.data(), count);
    }
    const int size = BIO_read(to_peer_, room.data(), static_cast<int>(room.size()));
    room.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return room;
  }

 private:
  ssl_ctx_st* context_;
  ssl_st* tls_ = nullptr;
  BIO* from_peer_;
  BIO* to_peer_;
};

class TlsFilterTest : public testing::Test {
 protected:
  void SetUp() override { identity_.write(certificate_file_, key_file_); }

  // Shakes hands and sends `message`, in pieces of `piece` bytes; what came back, or nothing and error_.
  std::optional<std::string> exchange(const TlsOptions& options, std::string_view host, std::string_view message,
                                      std::size_t piece = 100'000) {
    const auto context = TlsContext::make(options, host);
    if (!context) return error_ = context.error().message, std::nullopt;
    const auto filter = (*context)->make_filter();
    Echo echo(identity_);
    ByteBuffer to_peer, to_user;
    filter->start(to_peer);
    for (bool sent = false; !to_peer.empty();) {
      const ByteBuffer answer = echo.receive(to_peer);
      to_peer.clear();
      for (std::size_t at = 0; at < answer.size(); at += piece) {
        const ByteView part = ByteView(answer).subspan(at, std::min(piece, answer.size() - at));
        if (!filter->receive(part, to_user, to_peer)) return error_ = filter->error(), std::nullopt;
      }
      if (filter->ready() && !sent) sent = filter->send(as_bytes(message), to_peer);
    }
    return std::string(as_text(to_user));
  }

  Identity identity_;
  std::string certificate_file_ = testing::TempDir() + "martlet_tls_filter_test.pem";
  std::string key_file_ = testing::TempDir() + "martlet_tls_filter_test.key";
  std::string error_;
};

TEST_F(TlsFilterTest, CarriesBytesBothWays) {
  TlsOptions options;
  options.ca_file = certificate_file_;
  EXPECT_EQ(exchange(options, "localhost", "hello"), "hello") << error_;
  const std::string large(40'000, 'x');
  EXPECT_EQ(exchange(options, "localhost", large), large) << error_;
  EXPECT_EQ(exchange(options, "localhost", "in small pieces", 3), "in small pieces") << error_;
  for (const char* version : {"tlsv1.2", "tlsv1.3"}) {
    options.version = version;
    EXPECT_EQ(exchange(options, "localhost", "hello"), "hello") << error_;
  }
}

TEST_F(TlsFilterTest, RefusesAStranger) {
  EXPECT_FALSE(exchange({}, "localhost", "hello"));
  EXPECT_THAT(error_, HasSubstr("self-signed"));
  TlsOptions options;
  options.ca_file = certificate_file_;
  EXPECT_FALSE(exchange(options, "broker.example", "hello"));
  EXPECT_THAT(error_, HasSubstr("hostname mismatch"));
  EXPECT_FALSE(exchange(options, "192.0.2.1", "hello"));
  EXPECT_THAT(error_, HasSubstr("IP address mismatch"));
}

TEST_F(TlsFilterTest, TakesAStrangerIfTheUserSaysSo) {
  TlsOptions options;
  options.insecure = true;
  EXPECT_EQ(exchange(options, "localhost", "hello"), "hello") << error_;
  options.ca_file = certificate_file_;
  EXPECT_EQ(exchange(options, "broker.example", "hello"), "hello") << error_;
}

TEST_F(TlsFilterTest, NamesTheFileThatCannotBeUsed) {
  TlsOptions options;
  options.ca_file = key_file_;
  EXPECT_FALSE(exchange(options, "localhost", ""));
  EXPECT_THAT(error_, HasSubstr("--cafile: cannot use " + key_file_));
  options.ca_file = certificate_file_;
  options.cert_file = certificate_file_;
  options.key_file = certificate_file_;
  EXPECT_FALSE(exchange(options, "localhost", ""));
  EXPECT_THAT(error_, HasSubstr("--key: cannot use"));
  options.key_file = key_file_;
  EXPECT_EQ(exchange(options, "localhost", "hello"), "hello") << error_;
}

TEST_F(TlsFilterTest, GivesUpOnWhatIsNoTls) {
  const auto context = TlsContext::make({}, "localhost");
  ASSERT_TRUE(context);
  const auto filter = (*context)->make_filter();
  ByteBuffer to_peer, to_user;
  filter->start(to_peer);
  EXPECT_FALSE(filter->receive(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"), to_user, to_peer));
  EXPECT_THAT(filter->error(), HasSubstr("TLS handshake: wrong version number"));
  EXPECT_TRUE(to_user.empty());
}

}  // namespace
}  // namespace martlet::tools::bench
