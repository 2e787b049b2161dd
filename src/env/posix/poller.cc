#include "env/posix/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/check.h"

namespace martlet::env::posix {
namespace {

// No owner uses it: their tokens have other top bits or are small.
constexpr std::uint64_t kWakeToken = std::numeric_limits<std::uint64_t>::max();

epoll_event to_epoll(Interest interest, std::uint64_t token) {
  epoll_event event{};
  if (interest.read) event.events |= EPOLLIN;
  if (interest.write) event.events |= EPOLLOUT;
  event.data.u64 = token;
  return event;
}

Event from_epoll(const epoll_event& event) {
  return {event.data.u64, (event.events & EPOLLIN) != 0, (event.events & EPOLLOUT) != 0,
          (event.events & (EPOLLERR | EPOLLHUP)) != 0};
}

}  // namespace

Result<Poller> Poller::open() {
  OwnedDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return system_error("cannot open a poller", errno);
  OwnedDescriptor waker(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!waker) return system_error("cannot open a poller's wake-up", errno);
  Poller poller(std::move(epoll), std::move(waker));
  // Edge-triggered: each write of wake() is told once, and nobody has to read it.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeToken;
  if (::epoll_ctl(poller.epoll_.get(), EPOLL_CTL_ADD, poller.waker_.get(), &event) != 0) {
    return system_error("cannot watch a poller's wake-up", errno);
  }
  return poller;
}

Result<void> Poller::watch(int fd, Interest interest, std::uint64_t token) {
  epoll_event event = to_epoll(interest, token);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  if (errno != EPERM) return system_error("cannot watch a descriptor", errno);
  always_ready_.push_back({fd, interest, token});
  return {};
}

void Poller::change(int fd, Interest interest, std::uint64_t token) {
  if (AlwaysReady* entry = find_always_ready(fd)) {
    *entry = {fd, interest, token};
    return;
  }
  epoll_event event = to_epoll(interest, token);
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0, "only a watched descriptor's interest changes");
}

void Poller::unwatch(int fd) {
  if (find_always_ready(fd)) return forget(fd);
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0, "only a watched descriptor is unwatched");
}

void Poller::forget(int fd) {
  // epoll forgets a closed descriptor by itself, since none is ever duplicated.
  std::erase_if(always_ready_, [fd](const AlwaysReady& entry) { return entry.fd == fd; });
}

std::size_t Poller::wait(std::int64_t timeout_ms, std::span<Event> events) {
  check(!events.empty(), "a wait has room for events");
  std::size_t count = report_always_ready(events);
  if (count == events.size()) return count;
  if (count > 0) timeout_ms = 0;
  const auto timeout = static_cast<int>(std::clamp<std::int64_t>(timeout_ms, -1, std::numeric_limits<int>::max()));
  found_.resize(events.size() - count);
  const int found = ::epoll_wait(epoll_.get(), found_.data(), static_cast<int>(found_.size()), timeout);
  check(found >= 0 || errno == EINTR, "waiting for events works");
  for (int i = 0; i < found; ++i) {
    const epoll_event& event = found_[static_cast<std::size_t>(i)];
    if (event.data.u64 != kWakeToken) events[count++] = from_epoll(event);
  }
  return count;
}

void Poller::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the poller is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(waker_.get(), &one, sizeof one);
}

Poller::AlwaysReady* Poller::find_always_ready(int fd) {
  for (AlwaysReady& entry : always_ready_) {
    if (entry.fd == fd) return &entry;
  }
  return nullptr;
}

std::size_t Poller::report_always_ready(std::span<Event> events) const {
  std::size_t count = 0;
  for (const AlwaysReady& entry : always_ready_) {
    if (count < events.size() && (entry.interest.read || entry.interest.write)) {
      events[count++] = {entry.token, entry.interest.read, entry.interest.write, false};
    }
  }
  return count;
}

}  // namespace martlet::env::posix
