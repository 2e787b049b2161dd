// Runs the restart command at random moments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "env/posix/process.h"
#include "tools/prove/options.h"

namespace martlet::tools::prove {

class Restarter {
 public:
  // `options.seed` is set; `now_ms` is monotonic.
  Restarter(const ProveOptions& options, DeadlineMs now_ms);

  // Starts the command when it is due, and sees whether it has ended. An Error when it failed or hangs.
  Result<void> turn(DeadlineMs now_ms);
  // Starts no further one.
  void stop() { most_ = started_; }
  bool over() const { return !running_ && started_ >= most_; }
  std::uint32_t count() const { return started_; }

 private:
  void choose_next(DeadlineMs now_ms);

  const ProveOptions& options_;
  Random random_;
  std::uint32_t most_;
  std::uint32_t started_ = 0;
  DeadlineMs next_ms_ = kNever;
  std::unique_ptr<env::posix::ChildProcess> running_;
};

}  // namespace martlet::tools::prove
