// What the service manager that started the process asks of it and gives it: sd_notify(3), sd_listen_fds(3) and
// sd_watchdog_enabled(3), whose protocol is a few environment variables and a datagram. Without one nothing happens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::env::posix {

// A listening socket that was opened before the process began.
struct InheritedSocket {
  int descriptor = -1;
  std::string name;  // FileDescriptorName= of the .socket unit, "unknown" without one
};

class ServiceManager {
 public:
  // Takes what the environment says, if it is meant for this process. Before other threads start. The descriptors are
  // not given on to programs that this process starts.
  static ServiceManager from_environment();

  // Sends `state`, such as "READY=1" or "RELOADING=1\nMONOTONIC_USEC=...": lines without a last line break. Any thread.
  void notify(std::string_view state) const;
  bool is_there() const { return !notify_socket_.empty(); }
  // How often it wants to hear "WATCHDOG=1" at least; 0: never.
  std::int64_t watchdog_ms() const { return watchdog_ms_; }
  const std::vector<InheritedSocket>& sockets() const { return sockets_; }

 private:
  std::string notify_socket_;
  std::int64_t watchdog_ms_ = 0;
  std::vector<InheritedSocket> sockets_;
};

}  // namespace martlet::env::posix
