#include "store/rocksdb/wal_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace martlet::store {
namespace {

// A log is a row of blocks, each a row of fragments: masked CRC-32C of type and bytes (4), length (2), type (1), bytes.
constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeadBytes = 7;
// Fragment types: a write is one `whole` or a `first`, `middle`s and a `last` (3 and 4). 9 says how it is compressed.
constexpr std::uint8_t kWhole = 1;
constexpr std::uint8_t kFirst = 2;
constexpr std::uint8_t kLast = 4;
constexpr std::uint8_t kCompression = 9;

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82F63B78u : 0);
    table[i] = value;
  }
  return table;
}

std::uint32_t masked_crc(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

struct Fragment {
  std::uint8_t type;
  std::size_t bytes;  // head included
};

// The undamaged fragment at the beginning of `rest`, which ends with its block.
std::optional<Fragment> fragment_at(std::string_view rest) {
  if (rest.size() < kHeadBytes) return std::nullopt;
  const std::size_t length = little_endian(rest.substr(4, 2));
  const auto type = static_cast<std::uint8_t>(rest[6]);
  const bool known = (type >= kWhole && type <= kLast) || type == kCompression;
  if (!known || length > rest.size() - kHeadBytes) return std::nullopt;
  if (masked_crc(rest.substr(6, 1 + length)) != little_endian(rest.substr(0, 4))) return std::nullopt;
  return Fragment{type, kHeadBytes + length};
}

// Goes through the block at `offset` of `file`. Sets `damage` at the first damage; true if a write begins behind it.
bool scan_block(std::string_view block, const std::string& file, std::uint64_t offset,
                std::optional<WalDamage>& damage) {
  const std::size_t size = block.size();
  while (block.size() >= kHeadBytes) {
    if (const std::optional<Fragment> fragment = fragment_at(block)) {
      if (damage && (fragment->type == kWhole || fragment->type == kFirst)) return true;
      block.remove_prefix(fragment->bytes);
    } else {
      if (!damage) damage = WalDamage{file, offset + (size - block.size()), false};
      block.remove_prefix(1);  // its length is not to be trusted: the next one may begin anywhere
    }
  }
  return false;
}

std::vector<std::string> logs_in_order(const std::vector<std::string>& names) {
  std::map<std::uint64_t, std::string> logs;
  for (const std::string& name : names) {
    if (!name.ends_with(".log")) continue;
    const std::string number = name.substr(0, name.size() - 4);
    if (number.empty() || number.size() > 18 ||
        !std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    logs.emplace(std::stoull(number), name);
  }
  std::vector<std::string> ordered;
  ordered.reserve(logs.size());
  for (const auto& [number, name] : logs) ordered.push_back(name);
  return ordered;
}

}  // namespace

std::string WalDamage::text() const {
  return fmt::format("write-ahead log {} is damaged at byte {}", file, offset);
}

std::optional<WalDamage> wal_damage(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  if (!env.GetChildren(path, &names).ok()) return WalDamage{};
  std::optional<WalDamage> damage;
  for (const std::string& name : logs_in_order(names)) {
    std::string log;
    if (!rocksdb::ReadFileToString(&env, fmt::format("{}/{}", path, name), &log).ok()) return WalDamage{};
    for (std::size_t at = 0; at < log.size(); at += kBlockBytes) {
      if (!scan_block(std::string_view(log).substr(at, kBlockBytes), name, at, damage)) continue;
      damage->writes_follow = true;
      return damage;
    }
  }
  return damage;
}

}  // namespace martlet::store
