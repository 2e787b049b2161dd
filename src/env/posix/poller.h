// epoll with a wake-up from other threads.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "env/network.h"
#include "env/posix/descriptor.h"

namespace martlet::env::posix {

// The poller's half of Network, on descriptors; see env/network.h for the contracts.
class Poller {
 public:
  static Result<Poller> open();

  Result<void> watch(int fd, Interest interest, std::uint64_t token);
  void change(int fd, Interest interest, std::uint64_t token);
  void unwatch(int fd);
  // The descriptor is about to be closed, watched or not.
  void forget(int fd);
  std::size_t wait(std::int64_t timeout_ms, std::span<Event> events);
  void wake();

 private:
  // What epoll refuses since it never blocks (regular files).
  struct AlwaysReady {
    int fd;
    Interest interest;
    std::uint64_t token;
  };

  Poller(OwnedDescriptor epoll, OwnedDescriptor waker) : epoll_(std::move(epoll)), waker_(std::move(waker)) {}
  AlwaysReady* find_always_ready(int fd);
  std::size_t report_always_ready(std::span<Event> events) const;

  OwnedDescriptor epoll_;
  OwnedDescriptor waker_;
  std::vector<AlwaysReady> always_ready_;
  std::vector<epoll_event> found_;
};

}  // namespace martlet::env::posix
