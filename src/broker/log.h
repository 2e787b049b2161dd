// What an operator should read, as the rooms hand it to whoever writes the log (server/log.h).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace martlet::broker {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// A fact of its own in an entry.
struct LogField {
  std::string_view name;  // ours: lower case letters and underscores
  std::string_view value;
};

// Whom or what an entry is about, for those who read the log with a program. Views live for the call, and may be as
// strangers sent them: the log makes them safe and cuts them. What is empty does not apply, or is not known.
struct LogSubject {
  std::string_view client;    // its identifier
  std::string_view address;   // of the peer
  std::string_view user;      // of a log-in that failed: the name that was tried
  std::string_view listener;  // its name
  std::span<const LogField> more = {};
};

// A user name as an entry may show it. A token may stand in its place, and who reads the log must not be able to use
// it: of one that has the shape of a JSON Web Token (its first part is JSON, `{"`, in base64url) nothing is shown.
std::string_view without_token(std::string_view username);

class Log {
 public:
  virtual ~Log() = default;
  // Asked before a text is made, which costs.
  virtual bool wants(LogLevel level) const = 0;
  // `text` is one line without a line break, and complete for those who read no subject; what strangers wrote in it
  // went through printable(). Without a subject the entry is about nobody in particular. Never a password, key or
  // token.
  void write(LogLevel level, std::string_view text, const LogSubject& subject = {}) {
    if (wants(level)) put(level, text, subject);
  }

 private:
  virtual void put(LogLevel level, std::string_view text, const LogSubject& subject) = 0;
};

}  // namespace martlet::broker
