#include "env/posix/bounded_socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "env/posix/address.h"

namespace martlet::env::posix {
namespace {

using Addresses = Result<std::vector<SocketAddress>>;

constexpr std::string_view kTooLate = "no answer in time";

bool is_numeric(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

// What the thread that asks the name service shares with who waits for it.
struct Search {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  Addresses found;
};

void search(Search& shared, const Endpoint& endpoint) {
  Addresses found = resolve_addresses(endpoint);
  {
    const std::scoped_lock lock(shared.mutex);
    shared.found = std::move(found);
    shared.done = true;
  }
  shared.ended.notify_one();
}

Addresses find_addresses(const Endpoint& endpoint, const Deadline& deadline) {
  if (is_numeric(endpoint.host)) return resolve_addresses(endpoint);
  const auto shared = std::make_shared<Search>();
  try {
    std::thread([shared, endpoint] { search(*shared, endpoint); }).detach();
  } catch (const std::system_error& error) {
    return system_error("cannot start a thread to ask the name service", error.code().value());
  }
  std::unique_lock lock(shared->mutex);
  const auto wait = std::chrono::milliseconds(deadline.left_ms());
  if (!shared->ended.wait_for(lock, wait, [&] { return shared->done; }))
    return fail(fmt::format("cannot find the address of '{}': {}", endpoint.host, kTooLate), ETIMEDOUT);
  return std::move(shared->found);
}

// 0 or an errno.
int finish_connecting(int fd, const SocketAddress& address, const Deadline& deadline) {
  if (::connect(fd, address.get(), address.size) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  if (!wait_ready(fd, {.write = true}, deadline)) return ETIMEDOUT;
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

}  // namespace

bool wait_ready(int fd, Readiness wanted, const Deadline& deadline) {
  short events = 0;
  if (wanted.read) events = static_cast<short>(events | POLLIN);
  if (wanted.write) events = static_cast<short>(events | POLLOUT);
  for (;;) {
    pollfd waited{fd, events, 0};
    const std::int64_t left_ms = std::min<std::int64_t>(deadline.left_ms(), std::numeric_limits<int>::max());
    const int count = ::poll(&waited, 1, static_cast<int>(left_ms));
    if (count > 0) return true;
    if (count == 0 && deadline.passed()) return false;
    if (count < 0 && errno != EINTR) return true;  // its use tells what is wrong
  }
}

Result<std::vector<std::string>> resolve_within(const std::string& host, const Deadline& deadline) {
  const Addresses addresses = find_addresses({host, 0}, deadline);
  if (!addresses) return tl::unexpected(addresses.error());
  std::vector<std::string> hosts;
  for (const SocketAddress& address : *addresses) hosts.push_back(to_endpoint(address).host);
  return hosts;
}

Result<BoundedSocket> BoundedSocket::connect(const Endpoint& endpoint, const Deadline& deadline) {
  const Addresses addresses = find_addresses(endpoint, deadline);
  if (!addresses) return tl::unexpected(addresses.error());
  int code = EADDRNOTAVAIL;
  for (const SocketAddress& address : *addresses) {
    OwnedDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return system_error("cannot open a socket", errno);
    code = finish_connecting(socket.get(), address, deadline);
    if (code == 0) {
      const int on = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
      return BoundedSocket(std::move(socket));
    }
    if (deadline.passed()) break;
  }
  return system_error(fmt::format("cannot connect to {}", to_text(endpoint)), code);
}

Result<void> BoundedSocket::write(ByteView bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_ready(socket_.get(), {.write = true}, deadline)) return fail(std::string(kTooLate), ETIMEDOUT);
    } else if (errno != EINTR) {
      return system_error("cannot send", errno);
    }
  }
  return {};
}

Result<std::size_t> BoundedSocket::read(std::span<std::uint8_t> room, const Deadline& deadline) {
  for (;;) {
    // A peer that sends a byte at a time must not prolong it for ever.
    if (deadline.passed()) return fail(std::string(kTooLate), ETIMEDOUT);
    const ssize_t count = ::recv(socket_.get(), room.data(), room.size(), 0);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) return fail("the connection was closed");
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_ready(socket_.get(), {.read = true}, deadline)) return fail(std::string(kTooLate), ETIMEDOUT);
    } else if (errno != EINTR) {
      return system_error("cannot receive", errno);
    }
  }
}

bool BoundedSocket::quiet() const {
  pollfd waited{socket_.get(), POLLIN, 0};
  return ::poll(&waited, 1, 0) == 0;
}

}  // namespace martlet::env::posix
