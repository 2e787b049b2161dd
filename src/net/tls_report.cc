#include "net/tls_report.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <array>

#include "base/printable.h"

namespace martlet::net {
namespace {

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  if (size < 0) return {};
  std::string name(as_text({text, static_cast<std::size_t>(size)}));
  OPENSSL_free(text);
  return name;
}

std::string fingerprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

// What the client said with an alert before it went away.
std::string describe_alert(int alert) {
  std::string said = fmt::format("the client refused: {}", SSL_alert_desc_string_long(alert));
  switch (alert) {
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return said + "; it does not accept this server's certificate";
    default:
      return said;
  }
}

std::string describe_code(unsigned long code, const TlsNotes& notes) {
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    const int reason = ERR_GET_REASON(code);
    if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
      return describe_alert(reason - SSL_AD_REASON_OFFSET);
    }
    switch (reason) {
      case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return fmt::format("the client's certificate is refused: {}", notes.refused);
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the client sent no certificate, and this listener requires one";
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_WRONG_SSL_VERSION:
        return "the client offers no version of TLS that this listener allows";
      case SSL_R_NO_SHARED_CIPHER:
        return "the client offers no cipher that this listener has";
      default:
        break;
    }
  }
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "unknown error";
}

}  // namespace

void tell_peer(SSL* tls, const TlsNotes& notes, PeerFacts& facts) {
  facts.tls_version = SSL_get_version(tls);
  facts.tls_cipher = SSL_get_cipher_name(tls);
  if (const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name)) facts.server_name = name;
  // In 1.3 a key that opened the connection counts as a resumed session; one that was only named proves nothing.
  const bool key_used = SSL_version(tls) != TLS1_3_VERSION || SSL_session_reused(tls) == 1;
  if (notes.psk_known && key_used) {
    facts.psk_identity = notes.psk_identity;
  } else if (const char* identity = SSL_get_psk_identity(tls)) {
    // A resumed session of 1.2 brings it along.
    facts.psk_identity = identity;
  }
  const X509* certificate = SSL_get0_peer_certificate(tls);
  if (!certificate || SSL_get_verify_result(tls) != X509_V_OK) return;
  facts.certificate_name = common_name(certificate);
  facts.certificate_subject = subject_of(certificate);
  facts.certificate_fingerprint = fingerprint(certificate);
}

std::string describe_failure(const SSL* tls, const TlsNotes& notes, bool after_handshake) {
  // The last one is that of TLS itself; those before it come from deeper inside and say less.
  const unsigned long code = ERR_peek_last_error();
  std::string why = describe_code(code, notes);
  ERR_clear_error();
  if (after_handshake) return fmt::format("TLS: {}", why);
  if (!notes.psk_identity.empty() && !SSL_session_reused(tls)) {
    const std::string identity = printable(notes.psk_identity);
    why += notes.psk_known ? fmt::format("; is the key for the PSK identity \"{}\" right?", identity)
                           : fmt::format("; there is no PSK identity \"{}\" in the file", identity);
  }
  return fmt::format("TLS handshake: {}", why);
}

std::string describe_stranger(ByteView first_bytes) {
  constexpr ByteView kNothing;
  const std::string_view text = as_text(first_bytes.empty() ? kNothing : first_bytes);
  const std::string_view begin = text.substr(0, 4);
  if (text.starts_with('\x10')) {
    return "TLS handshake: the client speaks no TLS, perhaps plain MQTT; tell it to use TLS on this port";
  }
  if (begin == "PROX" || begin == "\r\n\r\n") {
    return "TLS handshake: the client speaks no TLS but the PROXY protocol, which is not switched on for this listener";
  }
  for (const std::string_view method : {"GET ", "POST", "PUT ", "HEAD", "OPTI", "CONN", "DELE", "PATC", "TRAC"}) {
    if (begin == method) {
      return "TLS handshake: the client speaks no TLS, perhaps plain HTTP; tell it to use https or wss on this port";
    }
  }
  return fmt::format("TLS handshake: the client speaks no TLS; it began with \"{}\"", printable(text.substr(0, 16)));
}

}  // namespace martlet::net
