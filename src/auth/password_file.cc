#include "auth/password_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"

namespace martlet::auth {
namespace {

constexpr std::uint64_t kSlowUs = 30;
// Of different parameters; with more the first ones stand for all.
constexpr std::size_t kMaxKinds = 16;
constexpr std::size_t kGuessedLineBytes = 120;
constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool same_work(const PasswordHash& a, const PasswordHash& b) {
  return a.kind == b.kind && a.iterations == b.iterations && a.memory_kib == b.memory_kib && a.lanes == b.lanes;
}

}  // namespace

std::optional<PasswordLine> split_password_line(std::string_view line) {
  if (line.starts_with('#')) return std::nullopt;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view hash = trimmed(line.substr(colon + 1));
  // Mosquitto leaves out what follows another colon; in SCRAM keys it belongs to them.
  if (!hash.starts_with("SCRAM-")) hash = trimmed(hash.substr(0, hash.find(':')));
  return PasswordLine{trimmed(line.substr(0, colon)), hash};
}

Result<std::shared_ptr<const PasswordFile>> PasswordFile::parse(std::string text, const std::string& path) {
  const std::shared_ptr<PasswordFile> file(new PasswordFile(std::move(text)));
  if (auto done = file->read(path); !done) return tl::unexpected(done.error());
  file->choose_decoys();
  return std::shared_ptr<const PasswordFile>(file);
}

const PasswordFile::Entry* PasswordFile::find(std::string_view user) const {
  const auto at = by_user_.find(user);
  return at == by_user_.end() ? nullptr : &at->second;
}

Result<void> PasswordFile::read(const std::string& path) {
  by_user_.reserve(text_.size() / kGuessedLineBytes);
  std::string_view rest = text_;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const auto fields = split_password_line(line);
    if (!fields) continue;
    if (auto done = add(*fields); !done) return fail(fmt::format("{}:{}: {}", path, number, done.error().message));
  }
  return {};
}

Result<void> PasswordFile::add(const PasswordLine& line) {
  if (line.user.empty()) return fail("the user name is empty");
  if (line.user.size() > kMaxUserNameBytes) return fail("the user name is longer than 65535 bytes");
  const auto hash = parse_password_hash(line.hash);
  if (!hash) {
    return fail(fmt::format("user \"{}\": {}; for plain text passwords run: martlet passwd -U FILE",
                            printable(line.user), hash.error().message));
  }
  Entry& entry = by_user_[line.user];
  std::string_view& field = hash->kind == PasswordHash::Kind::scram_sha256 ? entry.scram : entry.hash;
  if (!field.empty()) {
    return fail(fmt::format("user \"{}\" has a line of this kind above; remove one of them", printable(line.user)));
  }
  field = line.hash;
  if (hash->kind == PasswordHash::Kind::scram_sha256 && !std::exchange(has_scram_, true)) {
    scram_secret_ = hmac_sha256(as_bytes("salts of those who are not there"), as_bytes(line.hash));
  }
  slow_ = slow_ || estimated_us(*hash) > kSlowUs;
  count(*hash);
  return {};
}

void PasswordFile::count(const PasswordHash& hash) {
  const auto same =
      std::find_if(kinds_.begin(), kinds_.end(), [&](const Usual& usual) { return same_work(usual.first, hash); });
  if (same != kinds_.end()) {
    ++same->second;
  } else if (kinds_.size() < kMaxKinds) {
    kinds_.emplace_back(decoy_of(hash), 1);
  }
}

void PasswordFile::choose_decoys() {
  std::stable_sort(kinds_.begin(), kinds_.end(), [](const Usual& a, const Usual& b) { return a.second > b.second; });
  for (const Usual& usual : kinds_) {
    const bool scram = usual.first.kind == PasswordHash::Kind::scram_sha256;
    std::optional<PasswordHash>& decoy = scram ? scram_decoy_ : decoy_;
    if (!decoy) decoy = usual.first;
  }
  // Where users have SCRAM keys alone, a password is checked against those.
  if (!decoy_) decoy_ = scram_decoy_;
  kinds_ = {};
}

}  // namespace martlet::auth
