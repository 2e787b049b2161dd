// When each message of a paced run is due. Open loop: the plan does not wait for the broker.
#pragma once

#include <cstdint>

namespace martlet::tools::bench {

// Message j of publisher p is the (j * publishers + p)-th of the whole run, evenly spread from `start_ns` on.
class Pacing {
 public:
  Pacing() = default;
  // `rate_per_s` > 0 counts the messages of all publishers.
  Pacing(double rate_per_s, std::uint32_t publishers, std::uint64_t start_ns)
      : interval_ns_(1e9 / rate_per_s), publishers_(publishers), start_ns_(start_ns) {}

  std::uint64_t due_ns(std::uint32_t publisher, std::uint64_t sequence) const {
    const std::uint64_t index = sequence * publishers_ + publisher;
    return start_ns_ + static_cast<std::uint64_t>(static_cast<double>(index) * interval_ns_);
  }

 private:
  double interval_ns_ = 0;
  std::uint32_t publishers_ = 1;
  std::uint64_t start_ns_ = 0;
};

}  // namespace martlet::tools::bench
