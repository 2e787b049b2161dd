#include "auth/file_provider.h"

#include <algorithm>
#include <utility>

namespace martlet::auth {

FileProvider::FileProvider(std::string name, std::shared_ptr<const PasswordFile> file)
    : name_(std::move(name)), file_(std::move(file)) {}

Opinion FileProvider::check(const Credentials& credentials, std::int64_t wall_ms) {
  (void)wall_ms;
  if (!credentials.username) return Opinion::unknown();
  const PasswordFile::Entry* entry = file_->find(*credentials.username);
  if (entry == nullptr) return Opinion::unknown();
  const auto hash = parse_password_hash(entry->hash.empty() ? entry->scram : entry->hash);
  if (!hash) return Opinion::failed(hash.error().message);
  // Without a password an empty one is checked all the same: who exists is not to be told from the time.
  const ByteView password = credentials.password ? ByteView(*credentials.password) : ByteView{};
  const auto fits = verify_password(*hash, password);
  if (!fits) return Opinion::failed(fits.error().message);
  if (!credentials.password) return Opinion::refuse("no password");
  return *fits ? Opinion::allow() : Opinion::refuse("wrong password");
}

void FileProvider::spend_time(const Credentials& credentials) const {
  if (!file_->decoy()) return;
  const ByteView password = credentials.password ? ByteView(*credentials.password) : ByteView{};
  static_cast<void>(verify_password(*file_->decoy(), password));
}

std::optional<PasswordHash> FileProvider::scram_keys(std::string_view user) const {
  const PasswordFile::Entry* entry = file_->find(user);
  if (entry == nullptr || entry->scram.empty()) return std::nullopt;
  auto keys = parse_password_hash(entry->scram);
  if (!keys) return std::nullopt;
  return std::move(*keys);
}

PasswordHash FileProvider::fake_scram_keys(std::string_view user) const {
  PasswordHash keys = *file_->scram_decoy();
  Sha256 block = hmac_sha256(file_->scram_secret(), as_bytes(user));
  for (std::size_t at = 0; at < keys.salt.size(); at += block.size()) {
    const std::size_t count = std::min(block.size(), keys.salt.size() - at);
    std::copy_n(block.begin(), count, keys.salt.begin() + static_cast<std::ptrdiff_t>(at));
    block = hmac_sha256(file_->scram_secret(), block);
  }
  return keys;
}

}  // namespace martlet::auth
