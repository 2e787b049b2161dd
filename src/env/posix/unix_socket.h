// Stream sockets in the file system: their addresses, their files, and who is at the other end.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "env/network.h"
#include "env/posix/descriptor.h"
#include "env/posix/socket_address.h"

namespace martlet::env::posix {

// An Error if the system's addresses have no room for `path`.
Result<SocketAddress> unix_address(std::string_view path);

// Makes way at `path`: a socket that a process left behind is removed. An Error if somebody answers there, or if
// something else is there.
Result<void> clear_unix_path(const std::string& path);

// A listening socket at `path`, with options.unix_mode from before its first connection on.
Result<OwnedDescriptor> listen_at_unix(const std::string& path, const ListenOptions& options);

// "unix:uid=1000,pid=77", or "unix" if the system does not tell.
std::string unix_peer(int fd);

// The files of listening sockets, to be removed with them. A process's own thread only.
class UnixFiles {
 public:
  // `path` was bound by `fd`.
  void add(int fd, const std::string& path);
  // Before `fd` is closed: removes its file, unless somebody has put another one there. Does nothing for others.
  void remove(int fd);

 private:
  struct File {
    std::string path;
    dev_t device;
    ino_t inode;
  };
  std::unordered_map<int, File> files_;
};

}  // namespace martlet::env::posix
