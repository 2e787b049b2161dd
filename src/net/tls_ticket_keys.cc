#include "net/tls_ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace martlet::net {
namespace {

bool fill(TlsTicketKey& key) {
  return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
         RAND_priv_bytes(key.cipher_key.data(), static_cast<int>(key.cipher_key.size())) == 1 &&
         RAND_priv_bytes(key.mac_key.data(), static_cast<int>(key.mac_key.size())) == 1;
}

}  // namespace

TlsTicketKeys::~TlsTicketKeys() {
  for (TlsTicketKey& key : keys_) OPENSSL_cleanse(&key, sizeof key);
}

std::optional<TlsTicketKey> TlsTicketKeys::newest() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ms = clock_.now().mono_ms;
  forget_old(now_ms);
  if (keys_.empty() || now_ms - keys_.front().made_mono_ms >= kNewestMs) {
    TlsTicketKey key;
    if (!fill(key)) return std::nullopt;
    key.made_mono_ms = now_ms;
    keys_.push_front(key);
  }
  return keys_.front();
}

std::optional<TlsTicketKeys::Found> TlsTicketKeys::find(ByteView name) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ms = clock_.now().mono_ms;
  forget_old(now_ms);
  for (const TlsTicketKey& key : keys_) {
    if (!equal(key.name, name)) continue;
    return Found{key, &key == &keys_.front() && now_ms - key.made_mono_ms < kNewestMs};
  }
  return std::nullopt;
}

void TlsTicketKeys::forget_old(std::int64_t now_ms) {
  constexpr std::int64_t kMostMs = kNewestMs + kTicketSeconds * 1000;
  while (!keys_.empty() && now_ms - keys_.back().made_mono_ms >= kMostMs) {
    OPENSSL_cleanse(&keys_.back(), sizeof keys_.back());
    keys_.pop_back();
  }
}

}  // namespace martlet::net
