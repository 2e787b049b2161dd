// What OpenSSL reads from and writes to: the bytes that a layer was just given, and the chain that they are answered
// in. Nothing is kept between two calls, unlike with OpenSSL's own BIO of memory.
#pragma once

#include "base/byte_chain.h"
#include "base/bytes.h"
#include "net/tls_openssl.h"

namespace martlet::net {

struct TlsPipe {
  ByteView from_peer;            // OpenSSL takes bytes off its front; empty: "later"
  ByteChain* to_peer = nullptr;  // while a call is under way
};

// A BIO over `pipe`, which outlives it and stays where it is.
OwnedBio make_pipe_bio(TlsPipe& pipe);

}  // namespace martlet::net
