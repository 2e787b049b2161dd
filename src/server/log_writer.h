// Carries the log's lines to standard error on a thread of its own: a reader that does not read stops that thread and
// nobody else. What waits is bounded; what does not fit is refused.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <thread>

#include "env/files.h"

namespace martlet::server {

struct LogWriterLimits {
  std::size_t waiting_bytes = 1 << 20;  // lines that are not written yet
  std::size_t dump_bytes = 8 << 20;     // of dumps that wait; they do not count as lines
  int stop_ms = 1'000;                  // for the last lines when the writer ends
};

// One thread, besides the writer's own.
class LogWriter {
 public:
  // `files` outlives the writer, and a write to it that never ends outlives both (see the destructor). A standard error
  // that cannot be written is ignored: nobody is left to be told.
  explicit LogWriter(env::Files& files, const LogWriterLimits& limits = {});
  // Writes what waits, for at most stop_ms. A write that is stuck after that is left to the end of the process; once it
  // returns its thread ends without another look at `files`.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Adds a line with its line break. False if it does not fit. Never waits for standard error.
  bool add(std::string_view line);
  // The same without a bound: for the few lines at the end.
  void add_always(std::string_view line);
  // Adds the lines of a dump in one piece. False if it is too large or another one is still waiting.
  bool add_dump(std::string_view lines);
  // Waits until all that was added is written, at most `wait_ms`. False if it is not.
  bool flush(int wait_ms);

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);

  const LogWriterLimits limits_;
  const std::shared_ptr<Shared> shared_;  // also held by the thread, which may be left behind
  std::thread thread_;
};

}  // namespace martlet::server
