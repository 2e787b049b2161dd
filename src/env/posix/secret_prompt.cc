#include "env/posix/secret_prompt.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {
namespace {

constexpr char kCtrlC = 3;
constexpr char kCtrlD = 4;
constexpr char kCtrlU = 21;
constexpr char kBackspace = 8;
constexpr char kDelete = 127;

// Takes echo, line editing and signals off the terminal: a signal must not leave it without its echo.
class SilentTerminal {
 public:
  SilentTerminal() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~SilentTerminal() {
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  explicit operator bool() const { return is_terminal_; }

 private:
  termios before_{};
  bool is_terminal_;
};

void show(std::string_view text) {
  static_cast<void>(write_fully(STDERR_FILENO, as_bytes(text)));
}

void take_back(std::string& line) {
  // A whole UTF-8 character.
  while (!line.empty() && (line.back() & 0xC0) == 0x80) line.pop_back();
  if (!line.empty()) line.pop_back();
}

// True if `letter` was for editing.
bool edit(std::string& line, char letter) {
  if (letter == kBackspace || letter == kDelete) {
    take_back(line);
  } else if (letter == kCtrlU) {
    line.clear();
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<std::string> read_secret_line(std::string_view prompt, std::size_t max_bytes) {
  const SilentTerminal terminal;
  if (terminal) show(prompt);
  std::string line;
  for (;;) {
    char letter = 0;
    const IoOutcome outcome = read_descriptor(STDIN_FILENO, &letter, 1);
    if (outcome.status == IoStatus::failed || outcome.status == IoStatus::would_block) {
      return system_error("cannot read standard input", outcome.system_code);
    }
    const bool given_up = terminal && (letter == kCtrlC || (letter == kCtrlD && line.empty()));
    if (given_up || (outcome.status == IoStatus::closed && line.empty())) {
      if (terminal) show("\n");
      return fail("no password was given");
    }
    if (outcome.status == IoStatus::closed || letter == '\n' || (terminal && letter == '\r')) break;
    if (terminal && edit(line, letter)) continue;
    line += letter;
    if (line.size() > max_bytes + 1) return fail(fmt::format("the line is longer than {} bytes", max_bytes));
  }
  if (terminal) show("\n");
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() > max_bytes) return fail(fmt::format("the line is longer than {} bytes", max_bytes));
  return line;
}

}  // namespace martlet::env::posix
