// Keeps callers from piling up at a service that does not answer: after a failure it is left alone for a while that
// doubles, and then one caller alone tries again. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace martlet::auth {

class CircuitBreaker {
 public:
  static constexpr std::int64_t kFirstPauseMs = 1'000;
  static constexpr std::int64_t kLongestPauseMs = 30'000;

  enum class Admission : std::uint8_t {
    no,
    yes,
    probe,  // the one that tries whether the service is back
  };

  // Whether the service may be asked now. Unless `no`, exactly one of the calls below must follow.
  Admission admit(std::int64_t mono_ms);
  // It answered, whatever it said.
  void answered(Admission admission);
  // It could not be reached, or did not answer in time. `reason` is for those who are turned away meanwhile. The first
  // failure begins the pause, only a probe's prolongs it: who was under way already says nothing new.
  void failed(Admission admission, std::int64_t mono_ms, std::string reason);
  // It was not asked after all.
  void abandoned(Admission admission);

  // Of the failure that the present pause is for.
  std::string reason() const;
  // How long the pause still is; 0: none, or a probe is due or under way.
  std::int64_t pause_ms(std::int64_t mono_ms) const;

 private:
  mutable std::mutex mutex_;
  std::int64_t pause_ms_ = 0;  // 0: the service is taken to be well
  std::int64_t until_ms_ = 0;  // a probe is due then
  bool probing_ = false;
  std::string reason_;
};

}  // namespace martlet::auth
