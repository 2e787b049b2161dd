#include "net/tls_callbacks.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <array>

#include "base/printable.h"

namespace martlet::net {
namespace {

TlsNotes& notes_of(const SSL* tls) {
  return *static_cast<TlsNotes*>(SSL_get_app_data(tls));
}

// Unknown names get the standard certificate, without an alert: clients in the field ask for addresses, for names of
// load balancers, for nothing; whether the certificate is good for them is theirs to decide.
int on_server_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
}

int on_certificate(SSL* tls, void*) {
  const TlsIdentities& identities = notes_of(tls).set->identities;
  const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
  if (!name || !identities.choice()) return 1;
  SSL_certs_clear(tls);
  for (const TlsIdentity* one : identities.choose(name)) {
    if (SSL_use_cert_and_key(tls, one->certificate.get(), one->key.get(), one->chain.get(), 1) != 1) return 0;
  }
  return 1;
}

// A client that offers only what we do not know goes on without ALPN, though RFC 7301 wants an alert: other brokers
// ignore ALPN, and clients that are made for a cloud offer its own names ("x-amzn-mqtt-ca") to every broker.
int on_alpn(SSL* tls, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
            unsigned int offered_bytes, void*) {
  const std::string_view ours = notes_of(tls).set->alpn;
  std::string_view left = as_text({offered, offered_bytes});
  while (!left.empty()) {
    const auto size = static_cast<unsigned char>(left.front());
    const std::string_view name = left.substr(1, size);
    if (name == ours) {
      *chosen = as_bytes(name).data();
      *chosen_bytes = size;
      return SSL_TLSEXT_ERR_OK;
    }
    left.remove_prefix(1 + name.size());
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// A key of 1.3 is for SHA-256. Beside another digest OpenSSL asks for it as well but then leaves it out, without a look
// at the client's proof, and goes on with certificates: such a client has shown nothing.
bool key_would_be_used(const SSL* tls) {
  if (SSL_version(tls) != TLS1_3_VERSION) return true;
  const SSL_CIPHER* cipher = SSL_get_pending_cipher(tls);
  return cipher && EVP_MD_is_a(SSL_CIPHER_get_handshake_digest(cipher), "SHA256") == 1;
}

// For both versions: OpenSSL asks it for the external keys of 1.3 too (with SHA-256). Also for what turns out to be a
// ticket of 1.3, so nothing is wrong yet if the name is unknown.
unsigned int on_psk(SSL* tls, const char* identity, unsigned char* key, unsigned int room) {
  TlsNotes& notes = notes_of(tls);
  if (!key_would_be_used(tls)) return 0;
  const ByteView found = notes.set->psk.find(identity);
  if (found.empty() || found.size() > room) {
    // A ticket is no text.
    if (!notes.psk_known && printable(identity, kAllChars) == identity) notes.psk_identity = identity;
    return 0;
  }
  notes.psk_identity = identity;
  notes.psk_known = true;
  // A ticket would be worth nothing here: with a key that both know there is no signature to save. And one of 1.3 does
  // not carry the identity on.
  SSL_set_num_tickets(tls, 0);
  copy_bytes(key, found);
  return static_cast<unsigned int>(found.size());
}

// One open, one write, one close for each line: only for debugging.
void on_key_log(const SSL* tls, const char* line) {
  const TlsSet& set = *notes_of(tls).set;
  const std::string text = fmt::format("{}\n", line);
  // There is nobody to tell if it fails, and the connection does not need it.
  static_cast<void>(set.files->append(set.key_log_file, as_bytes(text)));
}

bool init_mac(EVP_MAC_CTX* mac, TlsTicketKey& key) {
  std::array<char, 7> digest{"SHA256"};
  const std::array parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac_key.data(), key.mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb: -1 error, 0 no such key, 1 done, 2 done but give the client a newer ticket.
int on_ticket_key(SSL* tls, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                  int seal) {
  TlsTicketKeys& tickets = *notes_of(tls).set->tickets;
  if (seal == 1) {
    std::optional<TlsTicketKey> key = tickets.newest();
    if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    copy_bytes(name, key->name);
    const int begun = EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher_key.data(), iv, nullptr);
    return begun == 1 && init_mac(mac, *key) ? 1 : -1;
  }
  std::optional<TlsTicketKeys::Found> found = tickets.find({name, sizeof TlsTicketKey::name});
  if (!found) return 0;
  const int begun = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), found->key.cipher_key.data(), iv, nullptr);
  if (begun != 1 || !init_mac(mac, found->key)) return -1;
  return found->newest ? 1 : 2;
}

int on_seal_session(SSL*, void*) {
  return 1;
}

// A ticket stands for a certificate that was verified when it was made. Revocation and another CA are known from a
// reload, which then replaced the ticket keys; what is left is that it ends by time.
SSL_TICKET_RETURN on_open_session(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                                  SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const X509* peer = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  if (peer && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

bool common_name_holds_zero(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int place = -1;;) {
    place = X509_NAME_get_index_by_NID(subject, NID_commonName, place);
    if (place < 0) return false;
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
    // What is no text is as bad.
    const bool holds = size < 0 || as_text({text, static_cast<std::size_t>(size)}).find('\0') != std::string_view::npos;
    OPENSSL_free(text);
    if (holds) return true;
  }
}

}  // namespace

int on_verify(int fine, X509_STORE_CTX* verification) {
  const int depth = X509_STORE_CTX_get_error_depth(verification);
  const int code = X509_STORE_CTX_get_error(verification);
  const X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  if (fine != 1 && code == X509_V_ERR_UNABLE_TO_GET_CRL && depth > 0) {
    // Mosquitto asks only for the list of the client's own CA. A revoked CA in between is refused here if the file has
    // the list that says so, but nobody must have one for each.
    X509_STORE_CTX_set_error(verification, X509_V_OK);
    return 1;
  }
  const auto* tls =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsNotes& notes = notes_of(tls);
  const std::string subject = certificate ? printable(subject_of(certificate)) : std::string();
  if (fine != 1) {
    notes.refused = fmt::format("{} (\"{}\")", X509_verify_cert_error_string(code), subject);
    return 0;
  }
  // "admin\0.example.com" would be a name that the CA never meant, wherever text ends at a zero.
  if (depth == 0 && certificate && common_name_holds_zero(certificate)) {
    notes.refused = fmt::format("its common name holds a zero byte (\"{}\")", subject);
    X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }
  return 1;
}

void set_callbacks(const TlsSet& set, SSL_CTX* context, bool resumption) {
  // What the manual's SSL_CTX_set_tlsext_servername_callback stands for, without its cast.
  SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(on_server_name));
  SSL_CTX_set_cert_cb(context, on_certificate, nullptr);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  if (set.psk.size() > 0) SSL_CTX_set_psk_server_callback(context, on_psk);
  if (!set.key_log_file.empty()) SSL_CTX_set_keylog_callback(context, on_key_log);
  if (!resumption) return;
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, on_seal_session, on_open_session, nullptr);
}

}  // namespace martlet::net
