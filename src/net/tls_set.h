// All that the TLS connections of a listener share, as it was loaded at one moment. Immutable, but for what the ticket
// keys do by themselves: a reload makes another one, and connections keep theirs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "env/files.h"
#include "net/tls_identities.h"
#include "net/tls_openssl.h"
#include "net/tls_psk.h"
#include "net/tls_ticket_keys.h"

namespace martlet::net {

struct TlsSet {
  // What the callbacks need. The context goes first when the set dies.
  TlsIdentities identities;
  PskTable psk;
  std::shared_ptr<TlsTicketKeys> tickets;
  std::string key_log_file;
  std::string alpn;  // the protocol that is chosen when a client offers it
  env::Files* files = nullptr;
  OwnedSslContext context;

  // A digest of what decides who may come in: clients' tickets are good under the same one only.
  std::string policy;
  std::vector<std::string> sources;
  std::vector<std::string> warnings;
};

// Of one connection, while OpenSSL calls back; SSL_get_app_data() of its SSL.
struct TlsNotes {
  const TlsSet* set = nullptr;
  std::string refused;       // why the client's certificate is not accepted
  std::string psk_identity;  // that the client named, known or not
  bool psk_known = false;
};

}  // namespace martlet::net
