// Clients that come, subscribe and go, all the time.
#include <algorithm>

#include "env/posix/measure.h"
#include "tools/bench/worker.h"

namespace martlet::tools::bench {

void Worker::churn(std::uint64_t now_ns) {
  if (!running_started_) {
    running_started_ = true;
    for (std::uint32_t i = 0; i < connections_.size(); ++i) free_.push_back(i);
    if (paced()) {
      pacing_ = Pacing(options_.rate_per_s, options_.threads, shared_.start_ns);
      next_due_ns_ = pacing_.due_ns(index_, 0);
    }
  }
  while (!free_.empty() && !all_rounds_started() && (!paced() || next_due_ns_ <= now_ns)) {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    connections_[index].filters_sent = connections_[index].filters_done = 0;
    start_connect(index, paced() ? next_due_ns_ : env::posix::monotonic_ns());
    ++rounds_started_;
    if (paced()) next_due_ns_ = pacing_.due_ns(index_, rounds_started_);
  }
}

bool Worker::all_rounds_started() const {
  // What was due in the measured time is started even if it is late.
  return (paced() ? next_due_ns_ : now_ns_) >= shared_.measure_to_ns;
}

void Worker::go_round(Connection& connection, std::uint32_t index) {
  if (is_measured(connection.connect_started_ns)) {
    result_.round_ns.record(now_ns_ - std::min(now_ns_, connection.connect_started_ns));
  }
  // The broker closes: so its port and not ours is what the system holds back for a while.
  append(connection, index, wire::Disconnect{});
  connection.stage = Stage::leaving;
  ++leaving_;
}

}  // namespace martlet::tools::bench
