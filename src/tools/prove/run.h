// One run as the checking process sees it: subscribers, the publishing process, restarts, and the sum of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/prove/ledger.h"
#include "tools/prove/options.h"

namespace martlet::tools::prove {

struct RunResult {
  std::uint64_t published = 0;
  PerQos acknowledged;
  std::uint64_t received = 0;  // QoS 2 with PUBREC, whether or not PUBCOMP came
  // Messages acknowledged with a reason of failure, by reason.
  std::map<std::string, std::uint64_t> refused;
  Findings findings;
  std::uint64_t forgotten_publishers = 0;  // times that a session was not present where it was due
  std::uint64_t forgotten_subscribers = 0;
  // Times that a client left because the broker broke the protocol, by how it did.
  std::map<std::string, std::uint64_t> breaches;
  std::uint32_t restarts = 0;
  double seconds = 0;  // of publishing and draining
  bool interrupted = false;
  std::vector<std::string> examples;  // of what went wrong
};

// `arguments` are this process's behind the program's name: the publishing process gets them too. `options.seed` is
// set. `report_progress` is called about once a second with a line. An Error when nothing could be found out.
Result<void> run_prove(const ProveOptions& options, std::span<const std::string_view> arguments,
                       const std::function<void(std::string_view)>& report_progress, RunResult& result);

}  // namespace martlet::tools::prove
