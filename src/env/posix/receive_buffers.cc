#include "env/posix/receive_buffers.h"

#include <sys/mman.h>

#include <cerrno>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {
namespace {

// A turn's bytes fit, and stay in the processor's cache from one turn to the next.
constexpr unsigned kBuffers = 4;
constexpr unsigned kBufferBytes = 256 * 1024;

// Newer than Debian 12's header.
constexpr std::uint16_t kFilledPieceByPiece = 2;  // IOU_PBUF_RING_INC
constexpr std::uint32_t kMoreToCome = 1u << 4;    // IORING_CQE_F_BUF_MORE

void* map(std::size_t size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

ReceiveBuffers::~ReceiveBuffers() {
  if (ring_) ::munmap(ring_, kBuffers * sizeof(io_uring_buf));
  if (memory_) ::munmap(memory_, std::size_t{kBuffers} * kBufferBytes);
}

Result<void> ReceiveBuffers::open(io_uring& ring) {
  ring_ = static_cast<io_uring_buf_ring*>(map(kBuffers * sizeof(io_uring_buf)));
  memory_ = static_cast<std::uint8_t*>(map(std::size_t{kBuffers} * kBufferBytes));
  if (!ring_ || !memory_) return system_error("cannot map buffers", ENOMEM);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(ring_);
  registration.ring_entries = kBuffers;
  registration.bgid = kGroup;
  registration.pad = kFilledPieceByPiece;  // is called `flags` since
  const int code = ::io_uring_register_buf_ring(&ring, &registration, 0);
  if (code != 0) return system_error("the kernel takes no buffers that are filled piece by piece", -code);
  ::io_uring_buf_ring_init(ring_);
  filled_.assign(kBuffers, 0);
  for (unsigned id = 0; id < kBuffers; ++id) spent_.push_back(id);
  give_back();
  return {};
}

ByteView ReceiveBuffers::take(std::uint32_t completion_flags, std::size_t size) {
  const unsigned id = completion_flags >> IORING_CQE_BUFFER_SHIFT;
  const ByteView bytes(memory_ + std::size_t{id} * kBufferBytes + filled_[id], size);
  filled_[id] += size;
  if ((completion_flags & kMoreToCome) == 0) spent_.push_back(id);
  return bytes;
}

void ReceiveBuffers::give_back() {
  if (spent_.empty()) return;
  int count = 0;
  for (const unsigned id : spent_) {
    filled_[id] = 0;
    ::io_uring_buf_ring_add(ring_, memory_ + std::size_t{id} * kBufferBytes, kBufferBytes,
                            static_cast<unsigned short>(id), ::io_uring_buf_ring_mask(kBuffers), count++);
  }
  ::io_uring_buf_ring_advance(ring_, count);
  spent_.clear();
}

}  // namespace martlet::env::posix
