#include "server/start_environment.h"

#include "env/posix/directory.h"
#include "env/posix/system.h"

namespace martlet::server {

StartEnvironment start_environment() {
  return {env::posix::environment("STATE_DIRECTORY"), env::posix::environment_with_prefix(kEnvironmentPrefix),
          env::posix::list_directory};
}

}  // namespace martlet::server
