// Questions and answers between processes of one machine: a line each over a Unix socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace martlet::env::posix {

class LocalServer {
 public:
  // Opens the socket at `path`, for this user alone. One that a process left behind is replaced; one at which somebody
  // answers is an Error.
  static Result<std::unique_ptr<LocalServer>> open(const std::string& path);
  // One that nobody can ask: serve_one() only waits.
  static Result<std::unique_ptr<LocalServer>> without_socket();
  virtual ~LocalServer() = default;

  using Answer = std::function<std::string(std::string_view question)>;
  // Waits for a question, at most `wait_ms`, and writes what `answer` returns for it. A peer that asks nothing, or does
  // not read, is given up after a second. Returns at once after wake().
  virtual void serve_one(int wait_ms, const Answer& answer) = 0;
  // Any thread: ends the present or next wait.
  virtual void wake() = 0;
};

// Asks who listens at `path`. An Error says whether nobody is there, the system forbids it, or no answer came in
// `wait_ms`.
Result<std::string> ask_local(const std::string& path, std::string_view question, int wait_ms);

}  // namespace martlet::env::posix
