// The name that TLS gives a client.
#pragma once

#include <string>

#include "auth/options.h"
#include "base/peer_facts.h"

namespace martlet::auth {

// The PSK identity, else what `from` takes of the verified certificate; empty without either. `peer` may be null.
inline std::string tls_identity(const PeerFacts* peer, CertificateName from) {
  if (peer == nullptr) return {};
  if (!peer->psk_identity.empty()) return peer->psk_identity;
  switch (from) {
    case CertificateName::common_name:
      return peer->certificate_name;
    case CertificateName::subject:
      return peer->certificate_subject;
    case CertificateName::fingerprint:
      break;
  }
  return peer->certificate_fingerprint;
}

}  // namespace martlet::auth
