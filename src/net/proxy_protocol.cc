#include "net/proxy_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace martlet::net {
namespace {

constexpr std::string_view kV1Begin = "PROXY ";
constexpr std::string_view kV2Begin("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV2FixedBytes = 16;
// Commands and kinds of address of version 2; its types of TLVs.
constexpr unsigned kLocal = 0x0;
constexpr unsigned kProxy = 0x1;
constexpr unsigned kUnspecified = 0x00;
constexpr unsigned kTcp4 = 0x11;
constexpr unsigned kTcp6 = 0x21;
constexpr unsigned kUnixStream = 0x31;
constexpr unsigned kTls = 0x20;
constexpr unsigned kTlsCommonName = 0x22;
constexpr unsigned kTlsClientHasCertificate = 0x02 | 0x04;  // on this connection, or in its session

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}
unsigned short_at(std::string_view text, std::size_t at) {
  return byte_at(text, at) << 8 | byte_at(text, at + 1);
}

std::string endpoint_text(const NetworkAddress& address, unsigned port) {
  return address.is_v4() ? fmt::format("{}:{}", to_text(address), port)
                         : fmt::format("[{}]:{}", to_text(address), port);
}

std::optional<unsigned> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  if (!whole || port > 65535 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return port;
}

// Type, length and value off the front of `tlvs`. False if they do not fit in there.
bool next_tlv(std::string_view& tlvs, unsigned& type, std::string_view& value) {
  if (tlvs.size() < 3) return false;
  const std::size_t size = short_at(tlvs, 1);
  if (tlvs.size() - 3 < size) return false;
  type = byte_at(tlvs, 0);
  value = tlvs.substr(3, size);
  tlvs.remove_prefix(3 + size);
  return true;
}

}  // namespace

bool may_send_header(const std::vector<NetworkRange>& trusted, std::string_view peer_address) {
  if (trusted.empty()) return true;
  const auto address = address_of_peer(peer_address);
  if (!address) return peer_address.starts_with("unix");
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const NetworkRange& range) { return range.contains(*address); });
}

ProxyLayer::ProxyLayer(const ProxyOptions& options, std::string_view peer_address)
    : takes_certificate_name_(options.certificate_name), trusted_(may_send_header(options.trusted, peer_address)) {}

LayerStatus ProxyLayer::fail(std::string_view why) {
  stage_ = Stage::failed;
  header_ = {};
  failure_ = fmt::format("PROXY header: {}", why);
  return LayerStatus::failed;
}

LayerStatus ProxyLayer::receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain&) {
  if (stage_ == Stage::failed) return LayerStatus::failed;
  if (!trusted_) return fail("the peer is none of those that may send one (trusted)");
  while (stage_ == Stage::header && !bytes.empty()) {
    const std::size_t missing = header_bytes() - header_.size();
    const ByteView part = bytes.first(std::min(missing, bytes.size()));
    header_ += as_text(part);
    bytes = bytes.subspan(part.size());
    if (header_bytes() > header_.size()) continue;
    if (stage_ == Stage::failed) return LayerStatus::failed;
    const bool good = header_.starts_with('P') ? read_v1() : read_v2();
    if (!good) return LayerStatus::failed;
    header_ = {};
    stage_ = Stage::passing;
  }
  up.insert(up.end(), bytes.begin(), bytes.end());
  return LayerStatus::open;
}

std::size_t ProxyLayer::header_bytes() {
  const std::size_t here = header_.size();
  if (here == 0) return 1;
  const std::string_view begin = header_.starts_with('P') ? kV1Begin : kV2Begin;
  if (std::string_view(header_).substr(0, begin.size()) != begin.substr(0, here)) {
    fail("there is none (is the client behind a proxy that sends it?)");
    return 0;
  }
  if (here < begin.size()) return here + 1;
  if (begin == kV1Begin) {
    if (header_.ends_with('\n')) return here;
    if (here < kMostV1Bytes) return here + 1;
    fail("longer than 107 bytes");
    return 0;
  }
  if (here < kV2FixedBytes) return kV2FixedBytes;
  const std::size_t all = kV2FixedBytes + short_at(header_, 14);
  if (all <= kMostV2Bytes) return all;
  fail(fmt::format("longer than {} bytes", kMostV2Bytes));
  return 0;
}

bool ProxyLayer::read_v1() {
  std::string_view line = header_;
  const auto refuse = [this](std::string_view why) { return fail(why) == LayerStatus::open; };
  if (!line.ends_with("\r\n")) return refuse("the line does not end with CR LF");
  line.remove_prefix(kV1Begin.size());
  line.remove_suffix(2);
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return true;
  // Protocol, both addresses, both ports.
  std::array<std::string_view, 5> words;
  std::size_t count = 0;
  for (bool more = true; more && count < words.size(); ++count) {
    const std::size_t space = line.find(' ');
    words[count] = line.substr(0, space);
    more = space != std::string_view::npos;
    line.remove_prefix(more ? space + 1 : line.size());
    if (count + 1 == words.size() && more) return refuse("too many words");
  }
  if (count < words.size()) return refuse("too few words");
  const bool v4 = words[0] == "TCP4";
  if (!v4 && words[0] != "TCP6") return refuse("the protocol is none of TCP4, TCP6 and UNKNOWN");
  const auto source = parse_network_address(words[1]);
  const auto destination = parse_network_address(words[2]);
  const auto of_family = [v4](std::string_view text) { return v4 == (text.find(':') == std::string_view::npos); };
  if (!source || !destination || !of_family(words[1]) || !of_family(words[2])) return refuse("an address is malformed");
  const auto port = parse_port(words[3]);
  if (!port || !parse_port(words[4])) return refuse("a port is malformed");
  address_ = endpoint_text(*source, *port);
  return true;
}

bool ProxyLayer::read_v2() {
  const std::string_view body = std::string_view(header_).substr(kV2FixedBytes);
  const auto refuse = [this](std::string_view why) { return fail(why) == LayerStatus::open; };
  const unsigned version = byte_at(header_, 12) >> 4;
  const unsigned command = byte_at(header_, 12) & 0xf;
  if (version != 2) return refuse("its version is not 2");
  if (command == kLocal) return true;
  if (command != kProxy) return refuse("its command is neither LOCAL nor PROXY");
  std::size_t address_bytes = 0;
  NetworkAddress source;
  switch (byte_at(header_, 13)) {
    case kUnspecified:
      return true;
    case kTcp4:
      address_bytes = 12;
      break;
    case kTcp6:
      address_bytes = 36;
      break;
    case kUnixStream:
      address_bytes = 216;
      break;
    default:
      return refuse("it speaks of no stream over IPv4, IPv6 or a Unix socket");
  }
  if (body.size() < address_bytes) return refuse("too short for its addresses");
  if (address_bytes == 12) {
    source.bytes[10] = source.bytes[11] = 0xff;
    std::copy_n(body.begin(), 4, source.bytes.begin() + 12);
    address_ = endpoint_text(source, short_at(body, 8));
  } else if (address_bytes == 36) {
    std::copy_n(body.begin(), 16, source.bytes.begin());
    address_ = endpoint_text(source, short_at(body, 32));
  } else {
    address_ = "unix";
  }
  return read_tlvs(body.substr(address_bytes));
}

bool ProxyLayer::read_tlvs(std::string_view tlvs) {
  while (!tlvs.empty()) {
    unsigned type = 0;
    std::string_view value;
    if (!next_tlv(tlvs, type, value)) return fail("a TLV is longer than the header") == LayerStatus::open;
    if (type == kTls && takes_certificate_name_ && !read_tls(value)) return false;
  }
  return true;
}

bool ProxyLayer::read_tls(std::string_view value) {
  constexpr std::size_t kFixedBytes = 5;  // what the client has, and how the verification ended
  const auto refuse = [this](std::string_view why) { return fail(why) == LayerStatus::open; };
  if (value.size() < kFixedBytes) return refuse("its TLV about TLS is too short");
  const bool verified =
      (byte_at(value, 0) & kTlsClientHasCertificate) != 0 && short_at(value, 1) == 0 && short_at(value, 3) == 0;
  for (std::string_view rest = value.substr(kFixedBytes); !rest.empty();) {
    unsigned type = 0;
    std::string_view text;
    if (!next_tlv(rest, type, text)) return refuse("its TLV about TLS is malformed");
    if (type != kTlsCommonName || !verified) continue;
    const auto is_control = [](char byte) { return (byte >= 0 && byte < ' ') || byte == '\x7f'; };
    if (std::any_of(text.begin(), text.end(), is_control)) return refuse("the certificate's name is not text");
    certificate_name_ = text;
  }
  return true;
}

void ProxyLayer::send(ByteChain& from, std::size_t most_bytes, ByteChain& down) {
  if (ready()) from.move_front(std::min(most_bytes, from.size()), down);
}

void ProxyLayer::tell(PeerFacts& facts) const {
  if (!address_.empty()) facts.address = address_;
  if (!certificate_name_.empty()) facts.certificate_name = certificate_name_;
}

}  // namespace martlet::net
