// What is said about a TLS connection: who the peer is, and why it failed. In words that help its owner.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/peer_facts.h"
#include "net/tls_openssl.h"
#include "net/tls_set.h"

namespace martlet::net {

// Adds what the finished handshake told. Of a certificate only if it was verified.
void tell_peer(SSL* tls, const TlsNotes& notes, PeerFacts& facts);

// Why OpenSSL failed just now, from this thread's errors, which it forgets. One line.
std::string describe_failure(const SSL* tls, const TlsNotes& notes, bool after_handshake);
// Of a client whose first bytes are no TLS.
std::string describe_stranger(ByteView first_bytes);

}  // namespace martlet::net
