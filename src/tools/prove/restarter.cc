#include "tools/prove/restarter.h"

#include <fmt/format.h>

namespace martlet::tools::prove {
namespace {

constexpr std::int64_t kPatienceMs = 120'000;

}  // namespace

Restarter::Restarter(const ProveOptions& options, DeadlineMs now_ms)
    : options_(options), random_(*options.seed), most_(total_restarts(options)) {
  choose_next(now_ms);
}

void Restarter::choose_next(DeadlineMs now_ms) {
  const auto span_ms = static_cast<std::uint64_t>(options_.restart_most_ms - options_.restart_least_ms);
  next_ms_ = now_ms + options_.restart_least_ms + static_cast<std::int64_t>(random_.below(span_ms + 1));
}

Result<void> Restarter::turn(DeadlineMs now_ms) {
  if (running_) {
    const auto status = running_->exit_status();
    if (!status && now_ms > next_ms_ + kPatienceMs) return fail("the restart command does not end");
    if (!status) return {};
    if (*status != 0) return fail(fmt::format("the restart command ended with status {}", *status));
    running_.reset();
    choose_next(now_ms);
    return {};
  }
  if (started_ >= most_ || now_ms < next_ms_) return {};
  auto child = env::posix::ChildProcess::start("/bin/sh", {"sh", "-c", options_.restart_command},
                                               env::posix::ChildStreams::none);
  if (!child) return tl::unexpected(child.error());
  running_ = std::move(*child);
  ++started_;
  return {};
}

}  // namespace martlet::tools::prove
