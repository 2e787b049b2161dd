#include "tools/message_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tools/json_message.h"

namespace martlet::tools {
namespace {

using env::posix::WallTime;
using wire::PropertyId;

constexpr std::string_view kLetters = "%ACDEFIjJlmPpqRrStUxX";
// Wider than any terminal; a typing error must not fill the memory.
constexpr std::size_t kMaxWidth = 1'000'000;

// `text` on `width` columns.
void write_padded(std::string& out, std::string_view text, bool left, char pad, std::size_t width) {
  const std::size_t missing = width > text.size() ? width - text.size() : 0;
  if (!left) out.append(missing, pad);
  out += text;
  if (left) out.append(missing, ' ');
}

std::string hexadecimal(ByteView bytes, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string user_properties(const wire::Properties& properties) {
  std::string text;
  properties.for_each([&](const wire::Property& property) {
    if (property.id != PropertyId::user_property) return;
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", property.name, as_text(property.value));
  });
  return text;
}

PropertyId property_of(char letter) {
  switch (letter) {
    case 'A':
      return PropertyId::topic_alias;
    case 'C':
      return PropertyId::content_type;
    case 'D':
      return PropertyId::correlation_data;
    case 'E':
      return PropertyId::message_expiry_interval;
    case 'F':
      return PropertyId::payload_format_indicator;
    case 'R':
      return PropertyId::response_topic;
    default:
      return PropertyId::subscription_identifier;
  }
}

std::string_view text_property(const wire::Properties& properties, char letter) {
  const PropertyId id = property_of(letter);
  if (id == PropertyId::correlation_data) return as_text(properties.binary(id).value_or(ByteView{}));
  return properties.text(id).value_or(std::string_view{});
}

}  // namespace

void MessageFormat::add_literal(char c) {
  if (pieces_.empty() || pieces_.back().kind != Piece::Kind::literal) pieces_.emplace_back();
  pieces_.back().text += c;
}

Result<MessageFormat> MessageFormat::parse(std::string_view format) {
  MessageFormat parsed;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c != '%' && c != '@' && c != '\\') {
      parsed.add_literal(c);
      continue;
    }
    if (i + 1 == format.size()) {
      return fail(fmt::format("-F: a single '{0}' at the end; write '{0}{0}' for the character itself", c));
    }
    ++i;
    if (c == '%') {
      const auto end = parsed.parse_field(format, i);
      if (!end) return tl::unexpected(end.error());
      i = *end;
    } else if (c == '\\') {
      if (auto escape = parsed.parse_escape(format[i]); !escape) return tl::unexpected(escape.error());
    } else if (format[i] == '@') {
      parsed.add_literal('@');
    } else if (format[i] == 'N') {
      parsed.pieces_.push_back({.kind = Piece::Kind::nanoseconds, .text = {}});
    } else {
      parsed.pieces_.push_back({.kind = Piece::Kind::time, .text = {'%', format[i]}});
    }
  }
  return parsed;
}

Result<void> MessageFormat::parse_escape(char c) {
  constexpr std::string_view kNames = "\\0aenrtv";
  constexpr std::string_view kMeans("\\\0\a\033\n\r\t\v", 8);
  const std::size_t at = kNames.find(c);
  if (at == std::string_view::npos) {
    return fail(fmt::format("-F: unknown escape '\\{}'; there are \\\\ \\0 \\a \\e \\n \\r \\t \\v", c));
  }
  add_literal(kMeans[at]);
  return {};
}

// Reads flags, width, precision and letter, which begins at `at`; returns where the letter stands.
Result<std::size_t> MessageFormat::parse_field(std::string_view format, std::size_t at) {
  Piece piece{.kind = Piece::Kind::field, .text = {}};
  const auto peek = [&] { return at < format.size() ? format[at] : '\0'; };
  const auto digits = [&](std::size_t& number) {
    for (; peek() >= '0' && peek() <= '9'; ++at) {
      number = std::min(number * 10 + static_cast<std::size_t>(peek() - '0'), kMaxWidth);
    }
  };
  if (peek() == '-') {
    piece.left = true;
    ++at;
  }
  if (peek() == '0') {
    piece.pad = '0';
    ++at;
  }
  digits(piece.width);
  if (peek() == '.') {
    piece.most = 0;
    ++at;
    digits(piece.most);
  }
  piece.letter = peek();
  if (at >= format.size()) return fail("-F: the format ends within a % sequence; write %% for a percent sign");
  if (kLetters.find(piece.letter) == std::string_view::npos) {
    return fail(fmt::format("-F: unknown sequence '%{}'; see martlet sub --help, and write %% for a percent sign",
                            piece.letter));
  }
  pieces_.push_back(std::move(piece));
  return at;
}

bool MessageFormat::write(std::string& out, const wire::Publish& message, const WallTime& time, bool pretty) const {
  bool all = true;
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::literal:
        out += piece.text;
        break;
      case Piece::Kind::time:
        out += env::posix::format_local(time, piece.text.c_str());
        break;
      case Piece::Kind::nanoseconds:
        out += fmt::format("{:09}", time.nanoseconds);
        break;
      case Piece::Kind::field:
        all &= write_field(out, piece, message, time, pretty);
        break;
    }
  }
  return all;
}

// The sequences that take width and padding, as text without them; the others write themselves.
bool MessageFormat::write_field(std::string& out, const Piece& piece, const wire::Publish& message,
                                const WallTime& time, bool pretty) {
  switch (piece.letter) {
    case '%':
      out += '%';
      break;
    case 'D':
      out += text_property(message.properties, 'D');
      break;
    case 'j':
      return write_json_message(out, message, time, JsonPayload::as_text, pretty);
    case 'J':
      return write_json_message(out, message, time, JsonPayload::as_json, pretty);
    case 'P':
      out += user_properties(message.properties);
      break;
    case 'q':
      out += static_cast<char>('0' + static_cast<int>(message.qos));
      break;
    case 'r':
      out += message.retain ? '1' : '0';
      break;
    case 'U':
      out += fmt::format("{}.{:09}", time.seconds, time.nanoseconds);
      break;
    case 'p':
    case 'x':
    case 'X':
      write_payload(out, piece, message.payload);
      break;
    case 'C':
    case 'I':
    case 'R':
    case 't':
      write_text(out, piece, message, time);
      break;
    default:
      write_number(out, piece, message);
      break;
  }
  return true;
}

void MessageFormat::write_number(std::string& out, const Piece& piece, const wire::Publish& message) {
  std::optional<std::uint64_t> value;
  if (piece.letter == 'l') {
    value = message.payload.size();
  } else if (piece.letter == 'm') {
    value = message.packet_id;
  } else {
    value = message.properties.number(property_of(piece.letter));
  }
  // An absent property is as wide as a present one, and padded on the left always.
  write_padded(out, value ? std::to_string(*value) : std::string(), piece.left && value, piece.pad, piece.width);
}

void MessageFormat::write_text(std::string& out, const Piece& piece, const wire::Publish& message,
                               const WallTime& time) {
  std::string text;
  if (piece.letter == 't') {
    text = message.topic;
  } else if (piece.letter == 'I') {
    text = env::posix::format_local(time, "%FT%T%z");
  } else {
    // Alone among them an absent response topic leaves no blanks.
    if (piece.letter == 'R' && !message.properties.has(PropertyId::response_topic)) return;
    text = text_property(message.properties, piece.letter);
  }
  write_padded(out, std::string_view(text).substr(0, piece.most), piece.left, ' ', piece.width);
}

// The width of a payload also bounds it; in hexadecimal only whole bytes are shown.
void MessageFormat::write_payload(std::string& out, const Piece& piece, ByteView payload) {
  const bool hex = piece.letter != 'p';
  if (piece.width != 0) payload = payload.first(std::min(payload.size(), piece.width) / (hex ? 2 : 1));
  const std::string digits = hex ? hexadecimal(payload, piece.letter == 'X') : std::string();
  write_padded(out, hex ? digits : as_text(payload), piece.left, piece.pad, piece.width);
}

void write_plain(std::string& out, const wire::Publish& message, bool verbose, bool end_of_line) {
  if (verbose) {
    if (message.payload.empty() && !end_of_line) return;
    out += message.topic;
    out += ' ';
    if (message.payload.empty()) out += "(null)";
  }
  if (message.payload.empty() && !verbose) return;
  out += as_text(message.payload);
  if (end_of_line) out += '\n';
}

}  // namespace martlet::tools
