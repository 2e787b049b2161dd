// The keys that session tickets are sealed with. They outlive a reload, so that clients can resume after it, and are
// replaced by age, so that a stolen one opens only what was sealed lately.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "base/bytes.h"
#include "env/clock.h"

namespace martlet::net {

struct TlsTicketKey {
  std::array<std::uint8_t, 16> name;
  std::array<std::uint8_t, 32> cipher_key;  // AES-256
  std::array<std::uint8_t, 32> mac_key;     // HMAC-SHA-256
  std::int64_t made_mono_ms = 0;
};

// Any thread; its lock is held for a copy alone.
class TlsTicketKeys {
 public:
  // A ticket is good for kTicketSeconds, and so are the keys that are no longer the newest.
  static constexpr std::int64_t kTicketSeconds = 2 * 60 * 60;
  static constexpr std::int64_t kNewestMs = 60 * 60 * 1000;

  // `clock` outlives it.
  explicit TlsTicketKeys(env::Clock& clock) : clock_(clock) {}
  ~TlsTicketKeys();
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  // What to seal with; nullopt if the system has no randomness.
  std::optional<TlsTicketKey> newest();
  struct Found {
    TlsTicketKey key;
    bool newest;
  };
  // What was sealed with the key of this name (16 bytes); nullopt if it is unknown or too old.
  std::optional<Found> find(ByteView name);

 private:
  void forget_old(std::int64_t now_ms);

  env::Clock& clock_;
  std::mutex mutex_;
  std::deque<TlsTicketKey> keys_;  // the newest first
};

}  // namespace martlet::net
