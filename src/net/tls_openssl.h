// OpenSSL's objects with an owner, and what it says went wrong. Only for the TLS sources: it pulls in OpenSSL's
// headers.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace martlet::net {

template <auto free_function>
struct OpenSslFree {
  template <class T>
  void operator()(T* it) const {
    free_function(it);
  }
};

inline void free_certificate_stack(STACK_OF(X509) * stack) {
  sk_X509_pop_free(stack, X509_free);
}

inline void free_name_stack(STACK_OF(X509_NAME) * stack) {
  sk_X509_NAME_pop_free(stack, X509_NAME_free);
}

using OwnedBio = std::unique_ptr<BIO, OpenSslFree<BIO_free_all>>;
using OwnedCertificate = std::unique_ptr<X509, OpenSslFree<X509_free>>;
using OwnedCertificates = std::unique_ptr<STACK_OF(X509), OpenSslFree<free_certificate_stack>>;
using OwnedNames = std::unique_ptr<STACK_OF(X509_NAME), OpenSslFree<free_name_stack>>;
using OwnedCrl = std::unique_ptr<X509_CRL, OpenSslFree<X509_CRL_free>>;
using OwnedStore = std::unique_ptr<X509_STORE, OpenSslFree<X509_STORE_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using OwnedSslContext = std::unique_ptr<SSL_CTX, OpenSslFree<SSL_CTX_free>>;
using OwnedSsl = std::unique_ptr<SSL, OpenSslFree<SSL_free>>;

// Reads `text`, which outlives it.
OwnedBio bio_over(std::string_view text);
// What was written to a BIO of memory.
std::string bio_text(BIO* memory);
// The newest error of this thread in words; forgets all of them.
std::string take_openssl_error();
// True if reading PEM ended because there was nothing more of the kind; forgets the error then.
bool at_pem_end();

// 32 bytes.
std::string sha256(std::string_view bytes);
// Milliseconds of the Unix time. A damaged time is 0: long ago.
std::int64_t wall_ms_of(const ASN1_TIME* time);
// "Jan  2 03:04:05 2027 GMT".
std::string text_of(const ASN1_TIME* time);
// A certificate's subject as RFC 2253 writes it.
std::string subject_of(const X509* certificate);

}  // namespace martlet::net
