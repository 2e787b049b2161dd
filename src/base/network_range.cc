#include "base/network_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace martlet {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;
constexpr std::size_t kGroups = 8;

// All of `text` as a number; at most `most_digits` digits.
std::optional<unsigned> number(std::string_view text, int base, std::size_t most_digits) {
  if (text.empty() || text.size() > most_digits) return std::nullopt;
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Four numbers; a leading zero is refused, since some read octal there.
bool parse_v4(std::string_view text, std::uint8_t* to) {
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return false;
    const std::string_view part = text.substr(0, dot);
    const auto value = number(part, 10, 3);
    if (!value || *value > 255 || (part.size() > 1 && part.front() == '0')) return false;
    to[i] = static_cast<std::uint8_t>(*value);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return true;
}

struct Groups {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t count = 0;  // of two bytes each
};

// Groups of hexadecimal digits between colons; the last may be an IPv4 address.
std::optional<Groups> parse_groups(std::string_view text) {
  Groups groups;
  if (text.empty()) return groups;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && part.find('.') != std::string_view::npos) {
      if (groups.count > kGroups - 2 || !parse_v4(part, &groups.bytes[2 * groups.count])) return std::nullopt;
      groups.count += 2;
      return groups;
    }
    const auto value = number(part, 16, 4);
    if (!value || groups.count == kGroups) return std::nullopt;
    groups.bytes[2 * groups.count] = static_cast<std::uint8_t>(*value >> 8);
    groups.bytes[2 * groups.count + 1] = static_cast<std::uint8_t>(*value);
    ++groups.count;
    if (last) return groups;
    text.remove_prefix(colon + 1);
  }
}

std::optional<NetworkAddress> parse_v6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto all = parse_groups(text);
    if (!all || all->count != kGroups) return std::nullopt;
    return NetworkAddress{all->bytes};
  }
  const std::string_view before = text.substr(0, gap);
  const auto head = parse_groups(before);
  const auto tail = parse_groups(text.substr(gap + 2));
  // The gap stands for at least one group, and an IPv4 address comes last.
  if (!head || !tail || head->count + tail->count >= kGroups || before.find('.') != std::string_view::npos) {
    return std::nullopt;
  }
  NetworkAddress address{head->bytes};
  std::copy_n(tail->bytes.begin(), 2 * tail->count, address.bytes.end() - static_cast<std::ptrdiff_t>(2 * tail->count));
  return address;
}

}  // namespace

bool NetworkAddress::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

std::optional<NetworkAddress> parse_network_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse_v6(text.substr(0, text.find('%')));
  NetworkAddress address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
  if (!parse_v4(text, &address.bytes[kMapped.size()])) return std::nullopt;
  return address;
}

std::optional<NetworkAddress> address_of_peer(std::string_view peer) {
  if (peer.starts_with('[')) {
    const std::size_t bracket = peer.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    return parse_network_address(peer.substr(1, bracket - 1));
  }
  const std::size_t colon = peer.find(':');
  if (colon == peer.rfind(':')) return parse_network_address(peer.substr(0, colon));
  return parse_network_address(peer);
}

std::string to_text(const NetworkAddress& address) {
  const auto& bytes = address.bytes;
  if (address.is_v4()) return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
  std::array<unsigned, kGroups> groups;
  for (std::size_t i = 0; i < kGroups; ++i) groups[i] = bytes[2 * i] << 8 | bytes[2 * i + 1];
  // The first of the longest runs of zeros is left out, if it is longer than one (RFC 5952).
  std::size_t gap = kGroups;
  std::size_t gap_length = 1;
  for (std::size_t i = 0; i < kGroups;) {
    std::size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i > gap_length) {
      gap = i;
      gap_length = end - i;
    }
    i = std::max(end, i + 1);
  }
  std::string text;
  for (std::size_t i = 0; i < kGroups;) {
    if (i == gap) {
      text += "::";
      i += gap_length;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", groups[i++]);
  }
  return text;
}

NetworkRange::NetworkRange(const NetworkAddress& network, unsigned prefix_bits)
    : network_(network), prefix_bits_(std::min(prefix_bits, 128u)) {
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = prefix_bits_ <= 8 * i ? 0 : std::min(prefix_bits_ - 8 * i, 8u);
    network_.bytes[i] &= static_cast<std::uint8_t>(0xff00u >> kept);
  }
}

bool NetworkRange::contains(const NetworkAddress& address) const {
  const bool for_v4 = prefix_bits_ >= kMappedBits && network_.is_v4();
  if (address.is_v4() != for_v4) return false;
  return NetworkRange(address, prefix_bits_).network_ == network_;
}

bool NetworkRange::contains(std::string_view numeric_address) const {
  const auto address = parse_network_address(numeric_address);
  return address && contains(*address);
}

Result<NetworkRange> parse_network_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_network_address(text.substr(0, slash));
  if (!address) {
    return fail(fmt::format("'{}' is no network: write 192.0.2.0/24, 2001:db8::/32 or one numeric address", text));
  }
  if (slash == std::string_view::npos) return NetworkRange(*address, 128);
  const bool written_as_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  const unsigned most = written_as_v4 ? 32 : 128;
  const auto bits = number(text.substr(slash + 1), 10, 3);
  if (!bits || *bits > most) return fail(fmt::format("'{}': after the slash comes a number from 0 to {}", text, most));
  return NetworkRange(*address, *bits + (written_as_v4 ? kMappedBits : 0));
}

}  // namespace martlet
