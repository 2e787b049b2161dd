#include "env/posix/lock_probe.h"

#include <fcntl.h>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {

std::int64_t lock_holder(const std::string& path) {
  const OwnedDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return lock.l_pid;
}

}  // namespace martlet::env::posix
