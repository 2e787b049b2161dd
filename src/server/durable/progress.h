// How far the reading of a large log is, for who waits for the start: on a terminal a line that grows, else a log line
// now and then.
#pragma once

#include <cstdint>

#include "broker/ports.h"
#include "env/clock.h"
#include "env/files.h"

namespace martlet::server {

class RecoveryProgress {
 public:
  // `terminal`: a person reads standard error. All of the others outlive it.
  RecoveryProgress(env::Clock& clock, env::Files& files, broker::Log& log, bool terminal);
  // Removes the line from the terminal.
  ~RecoveryProgress();
  RecoveryProgress(const RecoveryProgress&) = delete;
  RecoveryProgress& operator=(const RecoveryProgress&) = delete;

  // `done` of `total` records have been read.
  void show(std::uint64_t done, std::uint64_t total);

 private:
  void write(std::string_view text);

  env::Clock& clock_;
  env::Files& files_;
  broker::Log& log_;
  const bool terminal_;
  bool shown_ = false;
  std::int64_t logged_ms_;
};

}  // namespace martlet::server
