// What OpenSSL asks during a handshake: which certificate, which protocol, whose key, is this ticket ours.
#pragma once

#include "net/tls_openssl.h"
#include "net/tls_set.h"

namespace martlet::net {

// Registers the callbacks that `set` needs with its context. Each connection's SSL then has TlsNotes as its app data.
void set_callbacks(const TlsSet& set, SSL_CTX* context, bool resumption);
// For SSL_CTX_set_verify.
int on_verify(int fine, X509_STORE_CTX* verification);

}  // namespace martlet::net
