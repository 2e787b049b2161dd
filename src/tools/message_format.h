// How `martlet sub` prints a message: mosquitto_sub's format strings (-F), and its plain and verbose forms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/posix/local_time.h"
#include "wire/packet.h"

namespace martlet::tools {

class MessageFormat {
 public:
  // An Error names the sequence that is unknown or not complete.
  static Result<MessageFormat> parse(std::string_view format);

  // Appends the message, without an end of line. False if %J met a payload that is not JSON: that piece is left out.
  bool write(std::string& out, const wire::Publish& message, const env::posix::WallTime& time, bool pretty) const;

 private:
  // One sequence, or literal text.
  struct Piece {
    enum class Kind : std::uint8_t { literal, field, time, nanoseconds };
    Kind kind = Kind::literal;
    char letter = 0;
    bool left = false;
    char pad = ' ';
    std::size_t width = 0;
    std::size_t most = SIZE_MAX;  // the precision, SIZE_MAX: none
    std::string text;             // literal text, or strftime's format
  };

  Result<std::size_t> parse_field(std::string_view format, std::size_t at);
  Result<void> parse_escape(char c);
  void add_literal(char c);
  static bool write_field(std::string& out, const Piece& piece, const wire::Publish& message,
                          const env::posix::WallTime& time, bool pretty);
  static void write_number(std::string& out, const Piece& piece, const wire::Publish& message);
  static void write_text(std::string& out, const Piece& piece, const wire::Publish& message,
                         const env::posix::WallTime& time);
  static void write_payload(std::string& out, const Piece& piece, ByteView payload);

  std::vector<Piece> pieces_;
};

// Without -F: the payload, with -v behind the topic. Appends to `out`.
void write_plain(std::string& out, const wire::Publish& message, bool verbose, bool end_of_line);

}  // namespace martlet::tools
