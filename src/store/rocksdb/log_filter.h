// Leaves trimmed records out when RocksDB writes a file of the log: what was trimmed before its write buffer is full
// never costs a block of disk. It writes no deletion marks, since nothing below can reappear above `first`.
#pragma once

#include <rocksdb/compaction_filter.h>

#include <atomic>
#include <memory>

#include "store/types.h"

namespace martlet::store {

class LogFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  // Records below `first` may go. Only a trim that is synced is named here: otherwise a power cut could bring the
  // position back without the records.
  void drop_below(Position first) { first_.store(first, std::memory_order_relaxed); }

  bool ShouldFilterTableFileCreation(rocksdb::TableFileCreationReason) const override { return true; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "martlet.log"; }

 private:
  std::atomic<Position> first_{0};
};

}  // namespace martlet::store
