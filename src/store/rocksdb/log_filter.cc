#include "store/rocksdb/log_filter.h"

#include <string>

#include "store/rocksdb/layout.h"

namespace martlet::store {
namespace {

class LogFilter final : public rocksdb::CompactionFilter {
 public:
  explicit LogFilter(Position first) : first_(first) {}

  Decision FilterV2(int, const rocksdb::Slice& key, ValueType, const rocksdb::Slice&, std::string*,
                    std::string* skip_until) const override {
    const std::optional<Position> position = PositionKey::parse(key);
    if (!position || *position >= first_) return Decision::kKeep;
    *skip_until = PositionKey(first_).slice().ToString();
    return Decision::kRemoveAndSkipUntil;
  }
  const char* Name() const override { return "martlet.log"; }

 private:
  const Position first_;
};

}  // namespace

std::unique_ptr<rocksdb::CompactionFilter> LogFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  return std::make_unique<LogFilter>(first_.load(std::memory_order_relaxed));
}

}  // namespace martlet::store
