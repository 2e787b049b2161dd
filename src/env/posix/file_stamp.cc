#include "env/posix/file_stamp.h"

#include <sys/stat.h>

namespace martlet::env::posix {

FileStamp file_stamp(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return {};
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  return {facts.st_mtim.tv_sec * kSecondNs + facts.st_mtim.tv_nsec, static_cast<std::uint64_t>(facts.st_size),
          facts.st_ino};
}

}  // namespace martlet::env::posix
