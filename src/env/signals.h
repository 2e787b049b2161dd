// The process's signals as something to poll. At most one instance, created before any other thread starts.
#pragma once

#include <cstdint>
#include <optional>

#include "env/handle.h"

namespace martlet::env {

enum class Signal : std::uint8_t {
  interrupt,  // SIGINT
  terminate,  // SIGTERM
  dump,       // SIGUSR1
  reload,     // SIGHUP
};

class Signals {
 public:
  virtual ~Signals() = default;
  // Readable while a signal is pending: watch it in a Network. Owned by this object.
  virtual Handle handle() = 0;
  // The next pending signal, or nothing. Never blocks.
  virtual std::optional<Signal> next() = 0;
};

}  // namespace martlet::env
