#include "net/tls_psk.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/printable.h"
#include "net/tls_openssl.h"

namespace martlet::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// False if `text` is not whole bytes in hexadecimal.
bool parse_hex(std::string_view text, std::vector<std::uint8_t>& bytes) {
  if (text.empty() || text.size() % 2 != 0) return false;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return true;
}

std::string_view trim(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

PskTable::~PskTable() {
  for (auto& [identity, key] : keys_) OPENSSL_cleanse(key.data(), key.size());
}

Result<PskTable> PskTable::parse(std::string_view text, std::string_view file) {
  PskTable table;
  table.digest_ = sha256(text);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (auto added = table.add_line(line, file, number); !added) return tl::unexpected(added.error());
  }
  if (table.keys_.empty()) return fail(fmt::format("{}: no key in it; write lines `identity:hexkey`", file));
  return table;
}

Result<void> PskTable::add_line(std::string_view line, std::string_view file, std::size_t number) {
  // No message shows the key.
  const auto wrong = [&](std::string_view what) { return fail(fmt::format("{}:{}: {}", file, number, what)); };
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return wrong("no colon; write `identity:hexkey`");
  const std::string_view identity = trim(line.substr(0, colon));
  const std::string_view hex = trim(line.substr(colon + 1));
  if (identity.empty()) return wrong("no identity before the colon");
  if (identity.size() > kMostIdentityBytes) {
    return wrong(fmt::format("the identity is longer than {} bytes", kMostIdentityBytes));
  }
  if (identity.find('\0') != std::string_view::npos) return wrong("a zero byte in the identity");
  if (hex.size() > 2 * kMostKeyBytes) return wrong(fmt::format("the key is longer than {} bytes", kMostKeyBytes));
  std::vector<std::uint8_t> key;
  if (!parse_hex(hex, key)) {
    OPENSSL_cleanse(key.data(), key.size());
    return wrong("the key is not bytes in hexadecimal (two digits each)");
  }
  if (key.size() < kGoodKeyBytes) ++weak_keys_;
  const auto [place, added] = keys_.try_emplace(std::string(identity), std::move(key));
  if (added) return {};
  return wrong(fmt::format("the identity \"{}\" is there already; remove one of the lines", printable(identity)));
}

ByteView PskTable::find(std::string_view identity) const {
  const auto found = keys_.find(identity);
  if (found == keys_.end()) return {};
  return found->second;
}

}  // namespace martlet::net
