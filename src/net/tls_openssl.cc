#include "net/tls_openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/check.h"

namespace martlet::net {

OwnedBio bio_over(std::string_view text) {
  OwnedBio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  check(bio != nullptr, "OpenSSL has memory");
  return bio;
}

std::string bio_text(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason ? reason : "unknown error";
}

bool at_pem_end() {
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) return false;
  ERR_clear_error();
  return true;
}

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  auto* room = reinterpret_cast<unsigned char*>(digest.data());
  check(EVP_Digest(bytes.data(), bytes.size(), room, nullptr, EVP_sha256(), nullptr) == 1, "OpenSSL has SHA-256");
  return digest;
}

std::int64_t wall_ms_of(const ASN1_TIME* time) {
  ASN1_TIME* epoch = ASN1_TIME_set(nullptr, 0);
  int days = 0;
  int seconds = 0;
  const int known = ASN1_TIME_diff(&days, &seconds, epoch, time);
  ASN1_TIME_free(epoch);
  if (known != 1) return 0;
  return (static_cast<std::int64_t>(days) * 86'400 + seconds) * 1000;
}

std::string text_of(const ASN1_TIME* time) {
  OwnedBio out(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(out.get(), time);
  return bio_text(out.get());
}

std::string subject_of(const X509* certificate) {
  OwnedBio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  return bio_text(out.get());
}

}  // namespace martlet::net
