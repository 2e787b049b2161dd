#include "env/posix/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

#include "env/posix/descriptor.h"
#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

constexpr int kFirstDescriptor = 3;  // SD_LISTEN_FDS_START
constexpr int kMostDescriptors = 1'024;

std::optional<std::int64_t> number_in(const char* name) {
  const std::string text = environment(name);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<InheritedSocket> inherited_sockets() {
  std::vector<InheritedSocket> sockets;
  if (number_in("LISTEN_PID") != ::getpid()) return sockets;
  const std::int64_t count = number_in("LISTEN_FDS").value_or(0);
  const std::string names = environment("LISTEN_FDNAMES");
  std::size_t at = 0;
  for (int i = 0; i < count && i < kMostDescriptors; ++i) {
    const std::size_t colon = std::min(names.find(':', at), names.size());
    std::string name = at < names.size() ? names.substr(at, colon - at) : "unknown";
    at = colon + 1;
    ::fcntl(kFirstDescriptor + i, F_SETFD, FD_CLOEXEC);
    sockets.push_back({kFirstDescriptor + i, std::move(name)});
  }
  return sockets;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  manager.notify_socket_ = environment("NOTIFY_SOCKET");
  const auto watched = number_in("WATCHDOG_PID");
  if (!watched || *watched == ::getpid()) manager.watchdog_ms_ = number_in("WATCHDOG_USEC").value_or(0) / 1'000;
  manager.sockets_ = inherited_sockets();
  return manager;
}

void ServiceManager::notify(std::string_view state) const {
  sockaddr_un address{};
  if (notify_socket_.empty() || notify_socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, notify_socket_.data(), notify_socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract one
  const OwnedDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
  // Nobody is to be told of a manager that does not listen.
  static_cast<void>(::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size));
}

}  // namespace martlet::env::posix
