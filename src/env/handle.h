// Name of something open: a socket, a listener, a stream. And the outcome of moving bytes through it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace martlet::env {

// Opaque outside env; the POSIX implementation stores the descriptor. A copy owns nothing: whoever opened it closes it.
enum class Handle : int { none = -1, standard_input = 0, standard_output = 1, standard_error = 2 };

enum class IoStatus : std::uint8_t {
  ok,           // `bytes` > 0 were moved
  would_block,  // none now; the poller tells when
  closed,       // read only: the other side sends no more
  failed,       // `system_code` says why
};

struct IoOutcome {
  IoStatus status = IoStatus::would_block;
  std::size_t bytes = 0;
  int system_code = 0;
};

}  // namespace martlet::env
