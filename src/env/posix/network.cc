#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "base/check.h"
#include "env/posix/address.h"
#include "env/posix/descriptor.h"
#include "env/posix/poller.h"
#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

int open_spare() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

AcceptStatus accept_status(int code) {
  switch (code) {
    case EAGAIN:
      return AcceptStatus::would_block;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptStatus::out_of_descriptors;
    // accept(2) hands over errors that the new connection already has: they are its own, not the listener's.
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return AcceptStatus::aborted;
    default:
      return AcceptStatus::failed;
  }
}

class PosixNetwork final : public Network {
 public:
  explicit PosixNetwork(Poller poller) : poller_(std::move(poller)), spare_(open_spare()) {}

  Result<std::vector<Endpoint>> resolve(const Endpoint& endpoint) override {
    const auto addresses = resolve_addresses(endpoint);
    if (!addresses) return tl::unexpected(addresses.error());
    std::vector<Endpoint> endpoints;
    for (const SocketAddress& address : *addresses) endpoints.push_back(to_endpoint(address));
    return endpoints;
  }

  Result<Handle> listen(const Endpoint& endpoint, const ListenOptions& options) override {
    if (endpoint.host.empty() || endpoint.host == "*") {
      // One socket for both families where the system has IPv6.
      auto both = listen_at(any_address(AF_INET6, endpoint.port), endpoint, options, true);
      if (both) return both;
      const int code = both.error().system_code;
      if (code != EAFNOSUPPORT && code != EADDRNOTAVAIL) return both;
      return listen_at(any_address(AF_INET, endpoint.port), endpoint, options, false);
    }
    const auto addresses = resolve_addresses(endpoint);
    if (!addresses) return tl::unexpected(addresses.error());
    const auto v4 = std::find_if(addresses->begin(), addresses->end(),
                                 [](const SocketAddress& address) { return address.family() == AF_INET; });
    return listen_at(v4 != addresses->end() ? *v4 : addresses->front(), endpoint, options, false);
  }

  Result<Endpoint> local_endpoint(Handle handle) override {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (::getsockname(descriptor(handle), address.get(), &address.size) != 0) {
      return system_error("cannot tell a socket's address", errno);
    }
    return to_endpoint(address);
  }

  Accepted accept(Handle listener) override {
    SocketAddress peer;
    peer.size = sizeof peer.storage;
    const int fd = ::accept4(descriptor(listener), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return {accept_status(errno), Handle::none, {}, errno};
    return {AcceptStatus::accepted, Handle{fd}, to_text(to_endpoint(peer)), 0};
  }

  bool shed(Handle listener) override {
    spare_.reset();
    const int fd = ::accept4(descriptor(listener), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    // Another thread may have been quicker; then the reserve comes back with a later call.
    spare_ = OwnedDescriptor(open_spare());
    return fd >= 0;
  }

  Result<Handle> connect(const Endpoint& endpoint) override {
    const auto addresses = resolve_addresses(endpoint);
    if (!addresses) return tl::unexpected(addresses.error());
    const SocketAddress& address = addresses->front();
    OwnedDescriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return system_error(fmt::format("cannot open a socket for {}", to_text(endpoint)), errno);
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    // An interrupted non-blocking connect goes on by itself.
    if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS && errno != EINTR) {
      return system_error(fmt::format("cannot connect to {}", to_text(endpoint)), errno);
    }
    return Handle{fd.release()};
  }

  int connect_error(Handle handle) override {
    int code = 0;
    socklen_t size = sizeof code;
    return ::getsockopt(descriptor(handle), SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
  }

  IoOutcome read(Handle handle, std::span<std::uint8_t> room) override {
    return read_descriptor(descriptor(handle), room.data(), room.size());
  }

  IoOutcome write(Handle handle, std::span<const ByteView> views) override {
    check(views.size() <= kMaxWriteViews, "a write takes at most kMaxWriteViews views");
    std::array<iovec, kMaxWriteViews> pieces;
    for (std::size_t i = 0; i < views.size(); ++i) {
      pieces[i] = {const_cast<std::uint8_t*>(views[i].data()), views[i].size()};
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = views.size();
    for (;;) {
      const ssize_t count = ::sendmsg(descriptor(handle), &message, MSG_NOSIGNAL);
      if (count > 0) return {IoStatus::ok, static_cast<std::size_t>(count), 0};
      if (count == 0 || errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::would_block, 0, 0};
      if (errno != EINTR) return {IoStatus::failed, 0, errno};
    }
  }

  void shutdown_write(Handle handle) override { ::shutdown(descriptor(handle), SHUT_WR); }

  void close(Handle handle) override {
    poller_.forget(descriptor(handle));
    ::close(descriptor(handle));
    // The first descriptor that falls free restores the reserve.
    if (!spare_) spare_ = OwnedDescriptor(open_spare());
  }

  Result<void> watch(Handle handle, Interest interest, std::uint64_t token) override {
    return poller_.watch(descriptor(handle), interest, token);
  }
  void change(Handle handle, Interest interest, std::uint64_t token) override {
    poller_.change(descriptor(handle), interest, token);
  }
  void unwatch(Handle handle) override { poller_.unwatch(descriptor(handle)); }
  std::size_t wait(std::int64_t timeout_ms, std::span<Event> events) override {
    return poller_.wait(timeout_ms, events);
  }
  void wake() override { poller_.wake(); }

 private:
  static Result<Handle> listen_at(const SocketAddress& address, const Endpoint& endpoint, const ListenOptions& options,
                                  bool both_families) {
    const auto failure = [&](int code) {
      return system_error(fmt::format("cannot listen on {}", to_text(endpoint)), code);
    };
    OwnedDescriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return failure(errno);
    if (!set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failure(errno);
    if (options.reuse_port && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return failure(errno);
    if (address.family() == AF_INET6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, both_families ? 0 : 1)) {
      return failure(errno);
    }
    // Accepted sockets inherit it.
    if (!set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1)) return failure(errno);
    if (::bind(fd.get(), address.get(), address.size) != 0) return failure(errno);
    if (::listen(fd.get(), options.backlog) != 0) return failure(errno);
    return Handle{fd.release()};
  }

  Poller poller_;
  OwnedDescriptor spare_;  // given up to shed a connection when descriptors are out
};

}  // namespace

Result<std::unique_ptr<Network>> make_network() {
  ignore_sigpipe();
  auto poller = Poller::open();
  if (!poller) return tl::unexpected(poller.error());
  return std::make_unique<PosixNetwork>(std::move(*poller));
}

}  // namespace martlet::env::posix
