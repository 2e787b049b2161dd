#include "net/testing/tls_peer.h"

#include <openssl/err.h>

#include <algorithm>

#include "base/check.h"

namespace martlet::net::testing {
namespace {

unsigned int give_psk(SSL* tls, const char*, char* identity, unsigned int identity_room, unsigned char* key,
                      unsigned int key_room) {
  const auto& options = *static_cast<const TlsClientOptions*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)));
  if (options.psk_identity.size() >= identity_room || options.psk_key.size() > key_room) return 0;
  std::copy_n(options.psk_identity.c_str(), options.psk_identity.size() + 1, identity);
  copy_bytes(key, as_bytes(options.psk_key));
  return static_cast<unsigned int>(options.psk_key.size());
}

int keep_session(SSL* tls, SSL_SESSION* session) {
  static_cast<TlsClient*>(SSL_get_app_data(tls))->sessions.push_back(session);
  return 1;
}

std::string text_of(const ByteChain& chain) {
  std::string text;
  std::vector<ByteView> views(4096);
  const std::size_t count = chain.front(views.data(), views.size());
  for (std::size_t i = 0; i < count; ++i) text += as_text(views[i]);
  return text;
}

}  // namespace

TlsClient::TlsClient(const TlsClientOptions& options) : context_(SSL_CTX_new(TLS_client_method())), options_(options) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_app_data(context, &options_);
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context, options.version);
    SSL_CTX_set_max_proto_version(context, options.version);
  }
  if (options.certificate) {
    SSL_CTX_use_certificate(context, options.certificate->certificate());
    SSL_CTX_use_PrivateKey(context, options.certificate->key());
    for (const Certificate* one : options.chain) SSL_CTX_add1_chain_cert(context, one->certificate());
  }
  if (!options.psk_identity.empty()) SSL_CTX_set_psk_client_callback(context, give_psk);
  if (!options.ciphers.empty()) SSL_CTX_set_cipher_list(context, options.ciphers.c_str());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  tls_.reset(SSL_new(context));
  SSL* tls = tls_.get();
  SSL_set_app_data(tls, this);
  if (!options.server_name.empty()) {
    std::string name = options.server_name;
    SSL_ctrl(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  if (!options.signature_algorithms.empty()) SSL_set1_sigalgs_list(tls, options.signature_algorithms.c_str());
  std::string groups = options.groups;
  if (!groups.empty()) SSL_ctrl(tls, SSL_CTRL_SET_GROUPS_LIST, 0, groups.data());
  std::string offer;
  for (const std::string& name : options.alpn) offer += static_cast<char>(name.size()) + name;
  if (!offer.empty()) SSL_set_alpn_protos(tls, as_bytes(offer).data(), static_cast<unsigned int>(offer.size()));
  if (options.resume) SSL_set_session(tls, options.resume);
  from_server_ = BIO_new(BIO_s_mem());
  to_server_ = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(from_server_, -1);
  SSL_set_bio(tls, from_server_, to_server_);
  SSL_set_connect_state(tls);
}

TlsClient::~TlsClient() {
  for (SSL_SESSION* session : sessions) SSL_SESSION_free(session);
}

bool TlsClient::step() {
  ERR_clear_error();
  const int outcome = ready() ? 1 : SSL_do_handshake(tls_.get());
  if (outcome != 1) {
    if (SSL_get_error(tls_.get(), outcome) == SSL_ERROR_WANT_READ) return true;
    error = take_openssl_error();
    return false;
  }
  if (!server_shown) server_shown.reset(SSL_get1_peer_certificate(tls_.get()));
  char room[16384];
  for (;;) {
    std::size_t count = 0;
    ERR_clear_error();
    const int read = SSL_read_ex(tls_.get(), room, sizeof room, &count);
    if (read == 1) {
      received.append(room, count);
      continue;
    }
    const int kind = SSL_get_error(tls_.get(), read);
    if (kind == SSL_ERROR_WANT_READ) return true;
    if (kind == SSL_ERROR_ZERO_RETURN) return said_goodbye = true;
    error = take_openssl_error();
    return false;
  }
}

std::string TlsClient::output() {
  std::string text = bio_text(to_server_);
  static_cast<void>(BIO_reset(to_server_));
  return text;
}

void TlsClient::write(std::string_view text) {
  std::size_t written = 0;
  check(SSL_write_ex(tls_.get(), text.data(), text.size(), &written) == 1, "the client writes");
}

void TlsServer::send(std::string_view text) {
  ByteChain from;
  from.append(as_bytes(text));
  layer->send(from, from.size(), down);
  check(from.empty(), "a layer that is ready takes all");
}

std::string TlsServer::output() {
  std::string text = text_of(down);
  down.clear();
  return text;
}

void talk(TlsClient& client, TlsServer& server, std::size_t chunk_bytes) {
  bool client_works = true;
  for (;;) {
    if (client_works) client_works = client.step();
    const std::string out = client.output();
    for (std::size_t at = 0; at < out.size(); at += chunk_bytes) {
      server.receive(std::string_view(out).substr(at, chunk_bytes));
    }
    const std::string answer = server.output();
    if (out.empty() && answer.empty()) return;
    client.take(as_bytes(answer));
  }
}

}  // namespace martlet::net::testing
