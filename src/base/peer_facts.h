// What a connection's transport learned about the peer before the first MQTT byte: TLS, WebSocket, PROXY header.
// Written once, then shared and only read.
#pragma once

#include <string>

namespace martlet {

struct PeerFacts {
  std::string address;                  // "192.0.2.1:50123" if a PROXY header told it; empty: the socket's own
  std::string tls_version;              // "TLSv1.3"; empty: not encrypted
  std::string tls_cipher;               // "TLS_AES_256_GCM_SHA384"
  std::string server_name;              // that the client asked for (SNI)
  std::string psk_identity;             // of TLS-PSK
  std::string certificate_name;         // common name of the client's verified certificate
  std::string certificate_subject;      // its whole subject, as RFC 2253 writes it
  std::string certificate_fingerprint;  // its SHA-256 in hexadecimal
  std::string websocket_path;
  std::string websocket_origin;
  std::string forwarded_for;  // X-Forwarded-For of the upgrade request, as it came: anybody may write it

  bool encrypted() const { return !tls_version.empty(); }
};

}  // namespace martlet
