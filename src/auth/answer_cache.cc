#include "auth/answer_cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "auth/peer_text.h"
#include "base/check.h"

namespace martlet::auth {
namespace {

// Each part with its length before it, so that no two claims make the same bytes.
class Parts {
 public:
  // `bytes`: room for all, so that no half-grown copy of a password is left behind.
  explicit Parts(std::size_t bytes) { text_.reserve(bytes); }
  ~Parts() { OPENSSL_cleanse(text_.data(), text_.size()); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  void add(std::string_view part) {
    for (std::size_t size = part.size(), i = 0; i < 8; ++i, size >>= 8) text_.push_back(static_cast<char>(size & 0xFF));
    text_ += part;
  }
  void add_absent() { text_ += '-'; }
  void add_present() { text_ += '+'; }
  ByteView bytes() const { return as_bytes(text_); }

 private:
  std::string text_;
};

std::size_t heap_bytes(const Opinion& opinion) {
  std::size_t bytes = opinion.username.size() + opinion.reason.size();
  if (opinion.grants == nullptr) return bytes;
  bytes += sizeof *opinion.grants;
  for (const std::string& group : opinion.grants->groups) bytes += sizeof(std::string) + group.size();
  for (const ClientGrants::Rule& rule : opinion.grants->rules) bytes += sizeof rule + rule.filter.size();
  return bytes;
}

std::string_view text_of(const AnswerCache::Key& key) {
  return as_text(key);
}

}  // namespace

AnswerCache::AnswerCache(env::Entropy& entropy, std::string_view provider, Scope scope, std::uint32_t cache_s)
    : provider_(provider), scope_(scope), cache_s_(cache_s), answers_(kMaxEntries, kMaxBytes, entropy.seed()) {
  entropy.fill(secret_);
}

AnswerCache::Key AnswerCache::key_of(const Credentials& credentials) const {
  const std::string_view username = credentials.username ? std::string_view(*credentials.username) : "";
  const std::string_view password = credentials.password ? as_text(*credentials.password) : "";
  Parts parts(provider_.size() + username.size() + password.size() + credentials.client_id.size() + 4'096);
  parts.add(provider_);
  parts.add(credentials.client_id);
  credentials.username ? parts.add_present() : parts.add_absent();
  parts.add(username);
  credentials.password ? parts.add_present() : parts.add_absent();
  parts.add(password);
  if (scope_ == Scope::transport) {
    parts.add(credentials.listener);
    parts.add(address_of(credentials));
    if (credentials.peer != nullptr) {
      parts.add(credentials.peer->certificate_name);
      parts.add(credentials.peer->certificate_subject);
      parts.add(credentials.peer->certificate_fingerprint);
      parts.add(credentials.peer->psk_identity);
      parts.add(credentials.peer->tls_version);
    }
  }
  Key key{};
  unsigned int size = 0;
  const ByteView bytes = parts.bytes();
  const bool done = HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), bytes.data(), bytes.size(),
                         key.data(), &size) != nullptr;
  check(done && size == key.size(), "OpenSSL computes HMAC-SHA-256");
  return key;
}

std::optional<Opinion> AnswerCache::find(const Key& key, const Now& now) {
  if (!enabled()) return std::nullopt;
  std::optional<Opinion> opinion = answers_.find(text_of(key), now.mono_ms);
  if (opinion && opinion->until_wall_ms != 0 && opinion->until_wall_ms <= now.wall_ms) return std::nullopt;
  return opinion;
}

void AnswerCache::put(const Key& key, const Opinion& opinion, const Now& now) {
  if (!enabled() || opinion.kind == Opinion::Kind::failed) return;
  const bool positive = opinion.kind == Opinion::Kind::allow;
  const std::uint32_t good_s = positive ? cache_s_ : std::min(cache_s_, kLongestNegativeS);
  answers_.put(text_of(key), opinion, heap_bytes(opinion), deadline_in_s(now, good_s));
}

}  // namespace martlet::auth
