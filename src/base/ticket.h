// The point in the log that must be durable before an acknowledgement may leave.
#pragma once

#include <cstdint>

namespace martlet {

class Ticket {
 public:
  // Nothing was owed to disk: the acknowledgement may leave at once.
  static constexpr Ticket done() { return Ticket(0); }
  // The record at `position` (counted from 1) must be durable first.
  static constexpr Ticket at(std::uint64_t position) { return Ticket(position); }

  // True once everything up to and including `durable_position` is safe.
  constexpr bool resolved(std::uint64_t durable_position) const { return position_ <= durable_position; }
  constexpr std::uint64_t position() const { return position_; }

 private:
  explicit constexpr Ticket(std::uint64_t position) : position_(position) {}
  std::uint64_t position_;
};

}  // namespace martlet
