#include "net/http_upgrade.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "base/printable.h"

namespace martlet::net {
namespace {

constexpr std::string_view kHeaderEnd = "\r\n\r\n";
constexpr std::string_view kMethod = "GET ";
constexpr std::string_view kSubProtocol = "mqtt";  // [MQTT-6.0.0-4]
constexpr std::string_view kOldSubProtocol = "mqttv3.1";
constexpr std::string_view kWantedFields = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
constexpr std::size_t kKeyChars = 24;  // of 16 bytes in base64

char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_letter_or_digit(char byte) {
  return (lower(byte) >= 'a' && lower(byte) <= 'z') || (byte >= '0' && byte <= '9');
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  const auto in_token = [&](char byte) { return is_letter_or_digit(byte) || kOthers.find(byte) != kOthers.npos; };
  return !text.empty() && std::all_of(text.begin(), text.end(), in_token);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char byte) { return (byte >= 0 && byte < ' ' && byte != '\t') || byte == '\x7f'; });
}

// Visits the elements of a comma-separated list until `found` says so.
template <class Found>
bool any_element(std::string_view list, Found found) {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (found(trimmed(list.substr(0, comma)))) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

bool lists(std::string_view list, std::string_view word) {
  return any_element(list, [word](std::string_view element) { return same_word(element, word); });
}

bool is_key(std::string_view text) {
  if (text.size() != kKeyChars || !text.ends_with("==")) return false;
  return std::all_of(text.begin(), text.end() - 2,
                     [](char byte) { return is_letter_or_digit(byte) || byte == '+' || byte == '/'; });
}

}  // namespace

// What of the header fields counts. A count tells one that may come only once.
struct HttpUpgrade::Fields {
  std::string_view key;
  std::string_view version;
  std::string_view origin;
  std::string_view sub_protocol;
  int hosts = 0;
  int keys = 0;
  int versions = 0;
  int origins = 0;
  bool upgrade = false;
  bool connection = false;
  bool body = false;
};

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  ::SHA1(as_bytes(text).data(), text.size(), digest.data());
  std::array<unsigned char, (SHA_DIGEST_LENGTH + 2) / 3 * 4 + 1> encoded;
  const int size = ::EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  return std::string(as_text(ByteView(encoded).first(static_cast<std::size_t>(size))));
}

std::size_t HttpUpgrade::take(ByteView bytes) {
  if (state_ != State::reading || bytes.empty()) return 0;
  // The end may have begun in what is there.
  const std::size_t from = request_.size() < kHeaderEnd.size() ? 0 : request_.size() - (kHeaderEnd.size() - 1);
  const std::size_t before = request_.size();
  const std::size_t room = options_->max_header_bytes - std::min<std::size_t>(before, options_->max_header_bytes);
  request_ += as_text(bytes.first(std::min(bytes.size(), room)));
  const std::size_t known = std::min(request_.size(), kMethod.size());
  if (std::string_view(request_).substr(0, known) != kMethod.substr(0, known)) {
    // Another method, or no HTTP at all.
    const bool word = request_[0] >= 'A' && request_[0] <= 'Z';
    word ? refuse("405 Method Not Allowed", "only GET opens a WebSocket", "Allow: GET\r\n")
         : refuse("400 Bad Request", "this is no HTTP request");
    return bytes.size();
  }
  const std::size_t end = request_.find(kHeaderEnd, from);
  if (end == std::string::npos) {
    if (bytes.size() >= room) refuse("431 Request Header Fields Too Large", "the request's header is too long");
    return bytes.size();
  }
  const std::size_t used = end + kHeaderEnd.size() - before;
  request_.resize(end + 2);
  decide();
  request_ = {};
  return used;
}

void HttpUpgrade::decide() {
  std::string_view rest = request_;
  Fields fields;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (!(first ? read_request_line(line) : read_field(line, fields))) return;
  }
  if (judge(fields)) accept(fields);
}

bool HttpUpgrade::read_request_line(std::string_view line) {
  line.remove_prefix(kMethod.size());
  const std::size_t space = line.find(' ');
  const std::string_view target = line.substr(0, space);
  if (space == std::string_view::npos || !target.starts_with('/') || has_control(target)) {
    return refuse("400 Bad Request", "the request line is malformed");
  }
  const std::string_view version = line.substr(space + 1);
  const bool at_least_1_1 =
      version.size() == 8 && version.starts_with("HTTP/1.") && version[7] >= '1' && version[7] <= '9';
  if (!at_least_1_1) return refuse("505 HTTP Version Not Supported", "a WebSocket needs HTTP/1.1");
  facts_.path = target.substr(0, target.find('?'));
  return true;
}

bool HttpUpgrade::read_field(std::string_view line, Fields& fields) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name))
    return refuse("400 Bad Request", "a header field is malformed");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (has_control(value)) return refuse("400 Bad Request", "a header field holds control characters");
  if (same_word(name, "Host")) {
    ++fields.hosts;
  } else if (same_word(name, "Upgrade")) {
    fields.upgrade = fields.upgrade || lists(value, "websocket");
  } else if (same_word(name, "Connection")) {
    fields.connection = fields.connection || lists(value, "upgrade");
  } else if (same_word(name, "Sec-WebSocket-Key")) {
    fields.key = value;
    ++fields.keys;
  } else if (same_word(name, "Sec-WebSocket-Version")) {
    fields.version = value;
    ++fields.versions;
  } else if (same_word(name, "Sec-WebSocket-Protocol")) {
    any_element(value, [&](std::string_view one) {
      if (one == kSubProtocol) fields.sub_protocol = kSubProtocol;
      if (one == kOldSubProtocol && fields.sub_protocol.empty()) fields.sub_protocol = kOldSubProtocol;
      return false;
    });
  } else if (same_word(name, "Origin")) {
    fields.origin = value;
    ++fields.origins;
  } else if (same_word(name, "X-Forwarded-For")) {
    if (!facts_.forwarded_for.empty()) facts_.forwarded_for += ", ";
    facts_.forwarded_for += value;
  } else if (same_word(name, "Transfer-Encoding") || (same_word(name, "Content-Length") && value != "0")) {
    fields.body = true;
  }
  return true;
}

bool HttpUpgrade::judge(const Fields& fields) {
  if (fields.hosts != 1) return refuse("400 Bad Request", "there is not exactly one Host");
  if (fields.body) return refuse("400 Bad Request", "the request has a body");
  if (options_->path != "*" && facts_.path != options_->path) {
    return refuse("404 Not Found", fmt::format("there is no MQTT at \"{}\"", printable(facts_.path)));
  }
  if (!fields.upgrade) {
    return refuse("426 Upgrade Required", "here is MQTT over WebSocket", kWantedFields);
  }
  if (!fields.connection) return refuse("400 Bad Request", "Connection does not say Upgrade");
  if (fields.versions != 1 || fields.version != "13") {
    return refuse("426 Upgrade Required", "the WebSocket's version has to be 13", kWantedFields);
  }
  if (fields.keys != 1 || !is_key(fields.key)) {
    return refuse("400 Bad Request", "Sec-WebSocket-Key is not 16 bytes in base64");
  }
  if (fields.origins > 1) return refuse("400 Bad Request", "there is more than one Origin");
  const auto is_this = [&](const std::string& allowed) { return same_word(allowed, fields.origin); };
  const auto& origins = options_->origins;
  if (!origins.empty() && std::none_of(origins.begin(), origins.end(), is_this)) {
    return refuse("403 Forbidden", fields.origins == 0
                                       ? "there is no Origin"
                                       : fmt::format("the origin \"{}\" is not allowed", printable(fields.origin)));
  }
  if (fields.sub_protocol.empty()) return refuse("400 Bad Request", "the sub-protocol \"mqtt\" is not offered");
  return true;
}

void HttpUpgrade::accept(const Fields& fields) {
  facts_.origin = fields.origin;
  state_ = State::accepted;
  response_ = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n"
      "Sec-WebSocket-Protocol: {}\r\n\r\n",
      websocket_accept(fields.key), fields.sub_protocol);
}

bool HttpUpgrade::refuse(std::string_view status, std::string_view why, std::string_view more_fields) {
  state_ = State::refused;
  request_ = {};
  facts_ = {};
  refusal_ = fmt::format("{}: {}", status, why);
  response_ = fmt::format(
      "HTTP/1.1 {}\r\n{}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{}\n",
      status, more_fields, refusal_.size() + 1, refusal_);
  return false;
}

}  // namespace martlet::net
