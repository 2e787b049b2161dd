// What one publisher has sent and the broker has not acknowledged yet: which packet identifiers, and since when.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace martlet::tools::bench {

class Flight {
 public:
  Flight() = default;
  // At most `window` are in flight at once; their identifiers are given out one by one, 0 left out.
  explicit Flight(std::uint32_t window) : slots_(std::bit_ceil(std::size_t{window} + 1)) {}

  // True if `packet_id` may go out now: its place is not held by one that was acknowledged out of order.
  bool has_place(std::uint16_t packet_id) const { return slots_[packet_id & (slots_.size() - 1)].packet_id == 0; }
  bool holds(std::uint16_t packet_id) const {
    return !slots_.empty() && packet_id != 0 && slots_[packet_id & (slots_.size() - 1)].packet_id == packet_id;
  }
  // `packet_id` (not 0) goes out with a message that was due at `due_ns`.
  void sent(std::uint16_t packet_id, std::uint64_t due_ns) { at(packet_id) = {due_ns, packet_id}; }
  // It is acknowledged: when its message was due, or nothing if it was not in flight.
  std::optional<std::uint64_t> done(std::uint16_t packet_id) {
    if (!holds(packet_id)) return std::nullopt;
    at(packet_id).packet_id = 0;
    return at(packet_id).due_ns;
  }

 private:
  struct Slot {
    std::uint64_t due_ns = 0;
    std::uint16_t packet_id = 0;  // 0: free
  };
  Slot& at(std::uint16_t packet_id) { return slots_[packet_id & (slots_.size() - 1)]; }

  std::vector<Slot> slots_;
};

}  // namespace martlet::tools::bench
