#include "env/posix/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace martlet::env::posix {
namespace {

OwnedDescriptor open_socket() {
  return OwnedDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

Result<SocketAddress> unix_address(std::string_view path) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof local.sun_path || path.find('\0') != std::string_view::npos) {
    return fail(fmt::format("'{}' is no path for a socket: it has 1 to {} bytes", path, sizeof local.sun_path - 1));
  }
  std::memcpy(local.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &local, sizeof local);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

Result<void> clear_unix_path(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return tl::unexpected(address.error());
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return system_error(fmt::format("cannot look for a socket at '{}'", path), errno);
  }
  // connect(2) refuses a plain file as it does a socket that nobody listens at.
  if (!S_ISSOCK(found.st_mode)) return fail(fmt::format("'{}' is there already, and no socket", path), EADDRINUSE);
  const OwnedDescriptor probe = open_socket();
  if (!probe) return system_error("cannot open a socket", errno);
  const int code = ::connect(probe.get(), address->get(), address->size) == 0 ? 0 : errno;
  if (code == 0 || code == EAGAIN || code == EINPROGRESS) {
    return fail(fmt::format("'{}' is in use by another process", path), EADDRINUSE);
  }
  if (code != ECONNREFUSED) return system_error(fmt::format("cannot ask who listens at '{}'", path), code);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return system_error(fmt::format("cannot remove the socket '{}' that nobody listens at", path), errno);
}

Result<OwnedDescriptor> listen_at_unix(const std::string& path, const ListenOptions& options) {
  if (const auto clear = clear_unix_path(path); !clear) return tl::unexpected(clear.error());
  const auto failure = [&](int code) { return system_error(fmt::format("cannot listen on unix:{}", path), code); };
  const auto address = unix_address(path);
  OwnedDescriptor socket = open_socket();
  if (!socket || ::bind(socket.get(), address->get(), address->size) != 0) return failure(errno);
  // Nobody gets in before listen().
  if (::chmod(path.c_str(), options.unix_mode) != 0 || ::listen(socket.get(), options.backlog) != 0) {
    const int code = errno;
    ::unlink(path.c_str());
    return failure(code);
  }
  return socket;
}

std::string unix_peer(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unix";
  return fmt::format("unix:uid={},pid={}", peer.uid, peer.pid);
}

void UnixFiles::add(int fd, const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) files_[fd] = {path, found.st_dev, found.st_ino};
}

void UnixFiles::remove(int fd) {
  const auto file = files_.find(fd);
  if (file == files_.end()) return;
  const File& own = file->second;
  struct stat found {};
  const bool is_ours =
      ::lstat(own.path.c_str(), &found) == 0 && found.st_dev == own.device && found.st_ino == own.inode;
  if (is_ours) ::unlink(own.path.c_str());
  files_.erase(file);
}

}  // namespace martlet::env::posix
