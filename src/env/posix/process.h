// Other programs, as far as the tools start them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/handle.h"

namespace martlet::env::posix {

// What a started program's standard input and output are. Its standard error output is this process's.
enum class ChildStreams : std::uint8_t {
  none,   // /dev/null
  pipes,  // see ChildProcess::input() and output()
};

// A program of its own process group, so that a terminal's Ctrl-C does not reach it, with no signal blocked or ignored.
class ChildProcess {
 public:
  // `program` is a path; `arguments` begin with the name that it is told.
  static Result<std::unique_ptr<ChildProcess>> start(const std::string& program,
                                                     const std::vector<std::string>& arguments, ChildStreams streams);
  // Kills and reaps it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Our ends of its streams with ChildStreams::pipes, else none; owned by this object. Writing to the input blocks.
  Handle input() const { return Handle{input_}; }
  Handle output() const { return Handle{output_}; }
  void close_input();

  // Its exit status once it has ended (128 + the signal's number if a signal ended it). Never blocks.
  std::optional<int> exit_status();
  // SIGKILL to it and all of its process group.
  void kill();

 private:
  ChildProcess(int pid, int input, int output) : pid_(pid), input_(input), output_(output) {}

  int pid_;
  int input_;
  int output_;
  std::optional<int> status_;
};

// The path of this program.
Result<std::string> own_program();

}  // namespace martlet::env::posix
