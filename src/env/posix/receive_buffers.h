// Memory that the kernel itself puts received bytes into: a ring of buffers, each filled piece by piece.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace martlet::env::posix {

class ReceiveBuffers {
 public:
  // What receiving requests name them by.
  static constexpr int kGroup = 1;

  ReceiveBuffers() = default;
  ~ReceiveBuffers();
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

  // Gives them to `ring`, which is closed before they are. An Error where the kernel is older than Linux 6.12.
  Result<void> open(io_uring& ring);
  // The bytes that a completion of a receiving request brought; good until give_back().
  ByteView take(std::uint32_t completion_flags, std::size_t size);
  // The kernel may fill again what was taken to its end.
  void give_back();

 private:
  io_uring_buf_ring* ring_ = nullptr;
  std::uint8_t* memory_ = nullptr;
  std::vector<std::size_t> filled_;  // of each buffer
  std::vector<unsigned> spent_;
};

}  // namespace martlet::env::posix
