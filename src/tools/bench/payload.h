// The stamp at the start of every payload: who sent which message, and when it was due.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace martlet::tools::bench {

inline constexpr std::size_t kStampBytes = 16;
inline constexpr std::uint32_t kMaxPublishers = 1u << 24;
inline constexpr unsigned kSequenceBits = 40;

struct Stamp {
  std::uint32_t publisher = 0;  // below kMaxPublishers
  std::uint64_t sequence = 0;   // from 0, one by one; below 2^kSequenceBits
  std::uint64_t due_ns = 0;     // monotonic

  bool operator==(const Stamp&) const = default;
};

// Both sides are one process: the host's byte order will do.
inline void write_stamp(std::uint8_t* out, const Stamp& stamp) {
  const std::uint64_t who = std::uint64_t{stamp.publisher} << kSequenceBits | stamp.sequence;
  std::memcpy(out, &who, sizeof who);
  std::memcpy(out + sizeof who, &stamp.due_ns, sizeof stamp.due_ns);
}

inline Stamp read_stamp(const std::uint8_t* from) {
  std::uint64_t who = 0;
  Stamp stamp;
  std::memcpy(&who, from, sizeof who);
  std::memcpy(&stamp.due_ns, from + sizeof who, sizeof stamp.due_ns);
  stamp.publisher = static_cast<std::uint32_t>(who >> kSequenceBits);
  stamp.sequence = who & ((std::uint64_t{1} << kSequenceBits) - 1);
  return stamp;
}

}  // namespace martlet::tools::bench
