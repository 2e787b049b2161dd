#include <cstdlib>

#include "env/posix/system.h"

namespace martlet::env::posix {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace martlet::env::posix
