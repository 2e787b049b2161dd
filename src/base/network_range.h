// Addresses and networks of the Internet Protocol as numbers: who may do something by where it comes from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet {

// IPv4 as IPv6 maps it (::ffff:192.0.2.1), so that both forms of an address are one.
struct NetworkAddress {
  std::array<std::uint8_t, 16> bytes{};

  bool is_v4() const;
  bool operator==(const NetworkAddress&) const = default;
};

// "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0" (the interface is left out). Nothing if it is no
// numeric address; a port or brackets do not belong to it.
std::optional<NetworkAddress> parse_network_address(std::string_view text);
// The address in what names a peer: "192.0.2.1:50123", "[2001:db8::1]:50123", or the bare address. Nothing for a Unix
// socket's peer.
std::optional<NetworkAddress> address_of_peer(std::string_view peer);

// "192.0.2.1", "2001:db8::1".
std::string to_text(const NetworkAddress& address);

class NetworkRange {
 public:
  // The addresses whose first `prefix_bits` (of 128) are those of `network`.
  NetworkRange(const NetworkAddress& network, unsigned prefix_bits);

  // A range of IPv6 contains no IPv4 address, "::/0" neither.
  bool contains(const NetworkAddress& address) const;
  // `numeric_address`: without a port. False for what is no address.
  bool contains(std::string_view numeric_address) const;

  bool operator==(const NetworkRange&) const = default;

 private:
  NetworkAddress network_;  // with the bits behind the prefix cleared
  unsigned prefix_bits_;
};

// "10.0.0.0/8", "2001:db8::/32", or one address. Bits behind the prefix do not count: "10.1.2.3/8" is "10.0.0.0/8".
Result<NetworkRange> parse_network_range(std::string_view text);

}  // namespace martlet
