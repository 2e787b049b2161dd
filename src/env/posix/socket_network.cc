#include "env/posix/socket_network.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"
#include "env/posix/address.h"

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

Result<Handle> listen_at(const SocketAddress& address, const Endpoint& endpoint, const ListenOptions& options,
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
  const std::string& device = options.interface;
  if (!device.empty() &&
      ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(), static_cast<socklen_t>(device.size())) != 0) {
    return system_error(fmt::format("cannot listen on {} at interface {}", to_text(endpoint), device), errno);
  }
  // Accepted sockets inherit it.
  if (!set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1)) return failure(errno);
  if (::bind(fd.get(), address.get(), address.size) != 0) return failure(errno);
  if (::listen(fd.get(), options.backlog) != 0) return failure(errno);
  return Handle{fd.release()};
}

Result<Handle> listen_with(int inherited, const Endpoint& endpoint) {
  const auto failure = [&](int code) {
    return system_error(fmt::format("cannot listen on descriptor {}, inherited for {}", inherited, to_text(endpoint)),
                        code);
  };
  OwnedDescriptor fd(::fcntl(inherited, F_DUPFD_CLOEXEC, 0));
  if (!fd) return failure(errno);
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) return failure(errno);
  if (listens == 0) return failure(EINVAL);
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return failure(errno);
  // A Unix socket has no such delay.
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  return Handle{fd.release()};
}

}  // namespace

SocketNetwork::SocketNetwork() : spare_(open_spare()) {}

Result<std::vector<Endpoint>> SocketNetwork::resolve(const Endpoint& endpoint) {
  const auto addresses = resolve_addresses(endpoint);
  if (!addresses) return tl::unexpected(addresses.error());
  std::vector<Endpoint> endpoints;
  for (const SocketAddress& address : *addresses) endpoints.push_back(to_endpoint(address));
  return endpoints;
}

Result<Handle> SocketNetwork::listen(const Endpoint& endpoint, const ListenOptions& options) {
  if (options.inherited_descriptor >= 0) return listen_with(options.inherited_descriptor, endpoint);
  if (const std::string path(unix_path(endpoint)); !path.empty()) {
    auto fd = listen_at_unix(path, options);
    if (!fd) return tl::unexpected(fd.error());
    unix_files_.add(fd->get(), path);
    return Handle{fd->release()};
  }
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

Result<Endpoint> SocketNetwork::local_endpoint(Handle handle) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(descriptor(handle), address.get(), &address.size) != 0) {
    return system_error("cannot tell a socket's address", errno);
  }
  return to_endpoint(address);
}

Accepted SocketNetwork::accept(Handle listener) {
  SocketAddress peer;
  peer.size = sizeof peer.storage;
  const int fd = ::accept4(descriptor(listener), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return {accept_status(errno), Handle::none, {}, errno};
  return {AcceptStatus::accepted, Handle{fd}, peer.family() == AF_UNIX ? unix_peer(fd) : to_text(to_endpoint(peer)), 0};
}

bool SocketNetwork::shed(Handle listener) {
  spare_.reset();
  const int fd = ::accept4(descriptor(listener), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) ::close(fd);
  // Another thread may have been quicker; then the reserve comes back with a later call.
  spare_ = OwnedDescriptor(open_spare());
  return fd >= 0;
}

Result<Handle> SocketNetwork::connect(const Endpoint& endpoint) {
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

int SocketNetwork::connect_error(Handle handle) {
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(descriptor(handle), SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

IoOutcome SocketNetwork::write(Handle handle, std::span<const ByteView> views) {
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

IoOutcome SocketNetwork::read(Handle handle, std::span<std::uint8_t> room) {
  return read_descriptor(descriptor(handle), room.data(), room.size());
}

void SocketNetwork::shutdown_write(Handle handle) {
  ::shutdown(descriptor(handle), SHUT_WR);
}

void SocketNetwork::close(Handle handle) {
  unix_files_.remove(descriptor(handle));
  ::close(descriptor(handle));
  // The first descriptor that falls free restores the reserve.
  if (!spare_) spare_ = OwnedDescriptor(open_spare());
}

}  // namespace martlet::env::posix
