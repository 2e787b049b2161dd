// A backend in memory, for tests and the simulator. It tells what was written from what was synced, so a power cut can
// be played.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "store/backend.h"

namespace martlet::store {

// The disk below: it outlives the backend, as a disk outlives a process. All functions: any thread.
class MemoryDisk {
 public:
  struct State {
    std::map<Position, std::string> log;
    std::set<Position> damaged;
    Position first = 1;
    Position end = 1;
    std::array<std::map<std::string, std::string, std::less<>>, kTables> tables;
  };

  // The disk after a power cut now: what was synced is there, nothing else.
  std::shared_ptr<MemoryDisk> power_cut() const;
  // The disk after the process was killed now: what was written is there.
  std::shared_ptr<MemoryDisk> killed() const;
  // The record at `position` cannot be read any more.
  void damage_record(Position position);

 private:
  friend class MemoryBackend;
  mutable std::mutex mutex_;
  State written_;
  State synced_;
  std::vector<Batch> unsynced_;  // what separates them
};

std::unique_ptr<Backend> open_memory(std::shared_ptr<MemoryDisk> disk);

}  // namespace martlet::store
