// Accounts for every message: which came, which did not, which came twice or out of order.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

namespace martlet::tools::bench {

struct Faults {
  std::uint64_t missing = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;  // came after a later one of the same publisher
  std::uint64_t foreign = 0;    // nobody sent it to this subscriber in this run

  Faults& operator+=(const Faults& other) {
    missing += other.missing;
    duplicated += other.duplicated;
    reordered += other.reordered;
    foreign += other.foreign;
    return *this;
  }
  bool operator==(const Faults&) const = default;
};

// One publisher's messages as one subscriber gets them. Costs no memory as long as nothing is wrong.
class SequenceTracker {
 public:
  // Message `sequence` came. True if it is the first time.
  bool note(std::uint64_t sequence, Faults& faults) {
    if (sequence == next_) [[likely]] {
      ++next_;
      return true;
    }
    return note_odd(sequence, faults);
  }
  // How many of the first `sent` messages did not come.
  std::uint64_t missing(std::uint64_t sent) const;

 private:
  bool note_odd(std::uint64_t sequence, Faults& faults);

  std::uint64_t next_ = 0;
  std::unique_ptr<std::set<std::uint64_t>> skipped_;  // those below next_ that have not come
};

// One publisher's messages as a group of sharing subscribers gets them: each to one of them, in no common order.
class SharedTracker {
 public:
  // True if it is the first time.
  bool note(std::uint64_t sequence, Faults& faults);
  // Adds what another thread's subscribers of the same group saw.
  void merge(const SharedTracker& other, Faults& faults);
  std::uint64_t missing(std::uint64_t sent) const;

 private:
  std::vector<std::uint64_t> seen_;  // a bit per message
  std::uint64_t count_ = 0;
};

// The order that one member of a sharing group must see: rising for each publisher.
class OrderTracker {
 public:
  void note(std::uint64_t sequence, Faults& faults) {
    if (sequence + 1 < after_) {
      ++faults.reordered;
    } else {
      after_ = sequence + 1;
    }
  }

 private:
  std::uint64_t after_ = 0;
};

}  // namespace martlet::tools::bench
