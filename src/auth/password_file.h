// A file of users and password hashes, as Mosquitto's password_file is written: a line `user:hash` for each, lines that
// begin with '#' and lines without ':' left out, blanks around both fields taken off. A hash is one of
// auth/password_hash.h; a user may have a second line with SCRAM keys.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "auth/crypto.h"
#include "auth/password_hash.h"
#include "base/hash.h"
#include "base/result.h"

namespace martlet::auth {

inline constexpr std::size_t kMaxPasswordFileBytes = std::size_t{256} << 20;
inline constexpr std::size_t kMaxUserNameBytes = 65'535;

// One line of such a file. Views into the text.
struct PasswordLine {
  std::string_view user;
  std::string_view hash;
};
// Nothing for a line that is left out. `line` without its line break.
std::optional<PasswordLine> split_password_line(std::string_view line);

// Any thread once it is made.
class PasswordFile {
 public:
  // Views into the file's text; empty: the user has none.
  struct Entry {
    std::string_view hash;
    std::string_view scram;
  };

  // `path` is for the errors, which begin with it and the line's number: an empty or too long user name, a hash that
  // cannot be read (a plain text), a user twice.
  static Result<std::shared_ptr<const PasswordFile>> parse(std::string text, const std::string& path);

  const Entry* find(std::string_view user) const;
  std::size_t users() const { return by_user_.size(); }

  // What stands for the file's usual hash where there is no user to check (decoy_of()); nothing in a file without
  // users.
  const std::optional<PasswordHash>& decoy() const { return decoy_; }
  // The same for SCRAM keys; nothing if nobody has any.
  const std::optional<PasswordHash>& scram_decoy() const { return scram_decoy_; }
  // Secret like the file, and the same as long as its first SCRAM keys are: fake salts are made of it.
  const Sha256& scram_secret() const { return scram_secret_; }
  // Whether a check may take longer than some tens of microseconds.
  bool is_slow() const { return slow_; }

 private:
  explicit PasswordFile(std::string text) : text_(std::move(text)) {}
  Result<void> read(const std::string& path);
  Result<void> add(const PasswordLine& line);
  void count(const PasswordHash& hash);
  void choose_decoys();

  using Usual = std::pair<PasswordHash, std::size_t>;  // parameters, and how many hashes have them

  const std::string text_;
  std::unordered_map<std::string_view, Entry, SeededHash, std::equal_to<>> by_user_;
  std::vector<Usual> kinds_;
  std::optional<PasswordHash> decoy_;
  std::optional<PasswordHash> scram_decoy_;
  Sha256 scram_secret_{};
  bool has_scram_ = false;
  bool slow_ = false;
};

}  // namespace martlet::auth
