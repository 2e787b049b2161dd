// A TLS client in memory, by OpenSSL, and the talk between it and a layer.
#pragma once

#include <string>
#include <vector>

#include "net/stream_layer.h"
#include "net/testing/certificates.h"
#include "net/tls_openssl.h"

namespace martlet::net::testing {

struct TlsClientOptions {
  int version = 0;                           // TLS1_2_VERSION or TLS1_3_VERSION alone; 0: both
  const Certificate* certificate = nullptr;  // the client's own
  std::vector<const Certificate*> chain;     // sent with it
  std::string server_name;
  std::vector<std::string> alpn;
  std::string psk_identity;
  std::string psk_key;  // its bytes
  std::string ciphers;  // of 1.2
  std::string signature_algorithms;
  std::string groups;
  SSL_SESSION* resume = nullptr;  // stays the caller's
};

class TlsClient {
 public:
  explicit TlsClient(const TlsClientOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // Works on what came. False after an error.
  bool step();
  void take(ByteView bytes) { BIO_write(from_server_, bytes.data(), static_cast<int>(bytes.size())); }
  // What it wants to send now.
  std::string output();

  SSL* tls() const { return tls_.get(); }
  bool ready() const { return SSL_is_init_finished(tls_.get()) == 1; }
  void write(std::string_view text);

  std::string received;
  bool said_goodbye = false;           // the server did
  std::string error;                   // OpenSSL's reason
  OwnedCertificate server_shown;       // after the handshake
  std::vector<SSL_SESSION*> sessions;  // that the server gave tickets for, in order; freed with the client

 private:
  OwnedSslContext context_;
  OwnedSsl tls_;
  BIO* from_server_ = nullptr;  // both are the SSL's own
  BIO* to_server_ = nullptr;
  TlsClientOptions options_;
};

// The layer's side.
struct TlsServer {
  explicit TlsServer(std::unique_ptr<StreamLayer> made) : layer(std::move(made)) {}

  LayerStatus receive(std::string_view bytes) { return status = layer->receive(as_bytes(bytes), up, down); }
  void send(std::string_view text);
  // What is in `down`, which is empty then.
  std::string output();
  std::string received() const { return std::string(up.begin(), up.end()); }

  std::unique_ptr<StreamLayer> layer;
  std::vector<std::uint8_t> up;
  ByteChain down;
  LayerStatus status = LayerStatus::open;
};

// Carries bytes both ways, in pieces of at most `chunk_bytes`, until neither has anything to say.
void talk(TlsClient& client, TlsServer& server, std::size_t chunk_bytes = 1 << 20);

}  // namespace martlet::net::testing
