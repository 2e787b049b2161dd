// A socket's address as the kernel has it.
#pragma once

#include <sys/socket.h>

namespace martlet::env::posix {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

}  // namespace martlet::env::posix
