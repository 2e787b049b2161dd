// One run: connect, subscribe, load, drain, and the sum of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/histogram.h"
#include "base/result.h"
#include "env/files.h"
#include "tools/bench/accounting.h"
#include "tools/bench/options.h"
#include "tools/bench/process_stats.h"

namespace martlet::tools::bench {

// What the broker's process used; all of it from samples at the phases' ends.
struct BrokerUse {
  ProcessSample before, connected, subscribed, measure_begin, measure_end;
  double measured_s = 0;               // between the two samples of the measurement
  std::uint64_t received_between = 0;  // deliveries between them
  std::uint64_t sent_between = 0;
};

// offline and retained: messages that wait in the broker, and their way out.
struct OfflineResult {
  std::uint64_t acknowledged = 0;  // in all, warm-up included
  std::uint64_t acknowledged_in_window = 0;
  std::uint64_t owed = 0;  // deliveries, once all was acknowledged
  double drain_s = 0;      // from the subscribers' connects to the last delivery
  bool cleaned = false;    // the sessions or retained messages are removed
  // With a watched broker: when all was acknowledged, and around the drain.
  ProcessSample before, full, drain_begin, drain_end;
  std::uint64_t acknowledged_between = 0;  // between the samples of the measurement
};

struct RunResult {
  double connect_s = 0;    // until the last connection was up
  double subscribe_s = 0;  // until the last SUBACK
  double measured_s = 0;
  std::uint64_t connections = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t sent = 0;  // in all, warm-up included
  std::uint64_t received = 0;
  std::uint64_t sent_in_window = 0;
  std::uint64_t received_in_window = 0;
  std::uint64_t refused = 0;
  std::uint64_t connections_lost = 0;
  std::uint64_t stalls = 0;
  bool drained = true;  // everything owed was sent, and arrived or was given up
  Faults faults;
  Histogram latency_ns;  // to the delivery; stored first: to the acknowledgement
  Histogram ack_ns;      // to the acknowledgement; not if stored first
  Histogram late_ns;     // paced: how late messages were sent
  Histogram handshake_ns;
  Histogram round_ns;  // churn: to the SUBACK
  std::optional<BrokerUse> broker;
  OfflineResult offline;
  std::string error;        // the first connection's trouble, if any
  std::string first_fault;  // what was wrong with the first foreign message
};

// True if nothing happened that the scenario rules out.
bool is_clean(const RunResult& result, const BenchOptions& options);

// Runs on this thread and options.threads - 1 others. `report_progress` is called about once a second with a line.
// An Error when the run could not be made at all.
Result<void> run_bench(const BenchOptions& options, env::Files& files,
                       const std::function<void(std::string_view)>& report_progress, RunResult& result);

}  // namespace martlet::tools::bench
