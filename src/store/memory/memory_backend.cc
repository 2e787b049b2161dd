#include "store/memory/memory_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace martlet::store {
namespace {

void apply(MemoryDisk::State& state, const Operation& operation) {
  auto& table = state.tables[static_cast<std::size_t>(operation.table)];
  switch (operation.kind) {
    case Operation::Kind::append:
      state.log.insert_or_assign(operation.position, std::string(as_text(operation.value)));
      state.end = std::max(state.end, operation.position + 1);
      break;
    case Operation::Kind::put:
      table.insert_or_assign(std::string(as_text(operation.key)), std::string(as_text(operation.value)));
      break;
    case Operation::Kind::erase:
      if (const auto found = table.find(as_text(operation.key)); found != table.end()) table.erase(found);
      break;
    case Operation::Kind::trim:
      state.first = std::max(state.first, operation.position);
      state.end = std::max(state.end, state.first);
      state.log.erase(state.log.begin(), state.log.lower_bound(state.first));
      state.damaged.erase(state.damaged.begin(), state.damaged.lower_bound(state.first));
      break;
  }
}

void apply(MemoryDisk::State& state, const Batch& batch) {
  batch.for_each([&](const Operation& operation) { apply(state, operation); });
}

std::uint64_t bytes_of(const MemoryDisk::State& state) {
  std::uint64_t bytes = 0;
  for (const auto& [position, record] : state.log) bytes += sizeof position + record.size();
  for (const auto& table : state.tables) {
    for (const auto& [key, value] : table) bytes += key.size() + value.size();
  }
  return bytes;
}

}  // namespace

class MemoryBackend final : public Backend {
 public:
  explicit MemoryBackend(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  Position first() const override {
    const std::lock_guard lock(disk_->mutex_);
    return disk_->written_.first;
  }

  Position end() const override {
    const std::lock_guard lock(disk_->mutex_);
    return disk_->written_.end;
  }

  Result<bool> read(Position position, std::string& record) const override {
    const std::lock_guard lock(disk_->mutex_);
    const MemoryDisk::State& state = disk_->written_;
    if (state.damaged.contains(position)) return fail(damaged(position));
    const auto found = state.log.find(position);
    if (found == state.log.end()) return false;
    record = found->second;
    return true;
  }

  ScanOutcome scan(Position from, std::size_t max_bytes, const RecordVisitor& visit) const override {
    ScanOutcome outcome;
    std::vector<std::pair<Position, std::string>> records;
    {
      // Copied first: the visitor may use the store.
      const std::lock_guard lock(disk_->mutex_);
      const MemoryDisk::State& state = disk_->written_;
      from = std::max(from, state.first);
      const auto damage = state.damaged.lower_bound(from);
      const Position until = damage == state.damaged.end() ? state.end : *damage;
      std::size_t bytes = 0;
      auto at = state.log.lower_bound(from);
      for (; at != state.log.end() && at->first < until && (records.empty() || bytes < max_bytes); ++at) {
        records.emplace_back(*at);
        bytes += at->second.size();
      }
      const bool all = at == state.log.end() || at->first >= until;
      outcome.next = all ? std::max(from, until) : records.back().first + 1;
      if (all && until != state.end) outcome.error = Error{damaged(until)};
    }
    for (const auto& [position, record] : records) {
      if (visit(position, as_bytes(record))) continue;
      return {position + 1, {}};
    }
    return outcome;
  }

  Result<bool> get(Table table, ByteView key, std::string& value) const override {
    const std::lock_guard lock(disk_->mutex_);
    const auto& pairs = disk_->written_.tables[static_cast<std::size_t>(table)];
    const auto found = pairs.find(as_text(key));
    if (found == pairs.end()) return false;
    value = found->second;
    return true;
  }

  Result<void> scan(Table table, ByteView prefix, const PairVisitor& visit) const override {
    std::vector<std::pair<std::string, std::string>> pairs;
    {
      const std::lock_guard lock(disk_->mutex_);
      const auto& all = disk_->written_.tables[static_cast<std::size_t>(table)];
      for (auto at = all.lower_bound(as_text(prefix)); at != all.end(); ++at) {
        if (!std::string_view(at->first).starts_with(as_text(prefix))) break;
        pairs.emplace_back(*at);
      }
    }
    for (const auto& [key, value] : pairs) {
      if (!visit(as_bytes(key), as_bytes(value))) break;
    }
    return {};
  }

  std::uint64_t log_bytes(Position from) const override {
    const std::lock_guard lock(disk_->mutex_);
    std::uint64_t bytes = 0;
    const auto& log = disk_->written_.log;
    for (auto at = log.lower_bound(from); at != log.end(); ++at) bytes += sizeof(Position) + at->second.size();
    return bytes;
  }

  std::uint64_t occupied_bytes() const override {
    const std::lock_guard lock(disk_->mutex_);
    return bytes_of(disk_->written_);
  }

  Result<void> write(std::span<const Batch> group, bool sync_too) override {
    const std::lock_guard lock(disk_->mutex_);
    for (const Batch& batch : group) {
      apply(disk_->written_, batch);
      disk_->unsynced_.push_back(batch);
    }
    if (sync_too) sync_locked();
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard lock(disk_->mutex_);
    sync_locked();
    return {};
  }

  Result<void> recover() override { return {}; }
  void idle() override {}
  Result<void> close() override { return sync(); }

 private:
  static std::string damaged(Position position) { return fmt::format("log record {} is damaged", position); }

  void sync_locked() {
    for (const Batch& batch : disk_->unsynced_) apply(disk_->synced_, batch);
    disk_->unsynced_.clear();
  }

  const std::shared_ptr<MemoryDisk> disk_;
};

std::shared_ptr<MemoryDisk> MemoryDisk::power_cut() const {
  auto after = std::make_shared<MemoryDisk>();
  const std::lock_guard lock(mutex_);
  after->written_ = synced_;
  after->synced_ = synced_;
  return after;
}

std::shared_ptr<MemoryDisk> MemoryDisk::killed() const {
  auto after = std::make_shared<MemoryDisk>();
  const std::lock_guard lock(mutex_);
  after->written_ = written_;
  after->synced_ = synced_;
  after->unsynced_ = unsynced_;
  return after;
}

void MemoryDisk::damage_record(Position position) {
  const std::lock_guard lock(mutex_);
  for (State* state : {&written_, &synced_}) {
    if (state->log.erase(position) > 0) state->damaged.insert(position);
  }
}

std::unique_ptr<Backend> open_memory(std::shared_ptr<MemoryDisk> disk) {
  return std::make_unique<MemoryBackend>(std::move(disk));
}

}  // namespace martlet::store
