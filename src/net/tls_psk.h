// The keys that a listener shares with its clients (TLS-PSK): lines `identity:hexkey`, as Mosquitto's psk_file has
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace martlet::net {

class PskTable {
 public:
  // Bounds of one line; OpenSSL takes no more.
  static constexpr std::size_t kMostIdentityBytes = 256;
  static constexpr std::size_t kMostKeyBytes = 512;
  // Shorter keys can be guessed.
  static constexpr std::size_t kGoodKeyBytes = 16;

  PskTable() = default;
  PskTable(PskTable&&) = default;
  PskTable& operator=(PskTable&&) = default;
  PskTable(const PskTable&) = delete;
  PskTable& operator=(const PskTable&) = delete;
  // Wipes the keys.
  ~PskTable();

  // `text` is the file's contents; an Error names `file` and the line. Empty lines and those that begin with `#` are
  // skipped. An identity twice, one without a key, and a file without any are errors.
  static Result<PskTable> parse(std::string_view text, std::string_view file);

  // Empty if there is no such identity. Lives as long as the table.
  ByteView find(std::string_view identity) const;
  std::size_t size() const { return keys_.size(); }
  // SHA-256 of the file's contents; empty for the table of none.
  const std::string& digest() const { return digest_; }
  // How many keys are shorter than kGoodKeyBytes.
  std::size_t weak_keys() const { return weak_keys_; }

 private:
  // Lets find() look for a view without a copy.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  Result<void> add_line(std::string_view line, std::string_view file, std::size_t number);

  std::unordered_map<std::string, std::vector<std::uint8_t>, Hash, std::equal_to<>> keys_;
  std::string digest_;
  std::size_t weak_keys_ = 0;
};

}  // namespace martlet::net
