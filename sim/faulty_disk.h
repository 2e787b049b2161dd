// A store's backend in front of the simulated disk that is full, or whose answers get lost, when told.
#pragma once

#include <memory>
#include <utility>

#include "store/backend.h"

namespace martlet::sim {

// What is wrong with the disk. It outlives the backend.
struct DiskTrouble {
  enum class Kind : std::uint8_t {
    none,
    full,         // nothing is written
    lost_answer,  // it is written, and reported as failed
  };
  Kind kind = Kind::none;
  bool unrepaired = false;  // recover() fails too
};

class FaultyDisk final : public store::Backend {
 public:
  FaultyDisk(std::unique_ptr<store::Backend> real, const DiskTrouble& trouble)
      : real_(std::move(real)), trouble_(trouble) {}

  store::Position first() const override { return real_->first(); }
  store::Position end() const override { return real_->end(); }
  Result<bool> read(store::Position position, std::string& record) const override {
    return real_->read(position, record);
  }
  store::ScanOutcome scan(store::Position from, std::size_t max_bytes,
                          const store::RecordVisitor& visit) const override {
    return real_->scan(from, max_bytes, visit);
  }
  Result<bool> get(store::Table table, ByteView key, std::string& value) const override {
    return real_->get(table, key, value);
  }
  Result<void> scan(store::Table table, ByteView prefix, const store::PairVisitor& visit) const override {
    return real_->scan(table, prefix, visit);
  }
  std::uint64_t log_bytes(store::Position from) const override { return real_->log_bytes(from); }
  std::uint64_t occupied_bytes() const override { return real_->occupied_bytes(); }

  Result<void> write(std::span<const store::Batch> group, bool sync) override {
    if (trouble_.kind == DiskTrouble::Kind::none) return real_->write(group, sync);
    if (trouble_.kind == DiskTrouble::Kind::lost_answer) (void)real_->write(group, false);
    return fail("the simulated disk is in trouble");
  }
  Result<void> sync() override {
    return trouble_.kind == DiskTrouble::Kind::none ? real_->sync() : fail("the simulated disk does not sync");
  }
  Result<void> recover() override {
    return trouble_.unrepaired ? fail("the simulated disk is in trouble still") : real_->recover();
  }
  void idle() override { real_->idle(); }
  Result<void> close() override { return sync(); }

 private:
  const std::unique_ptr<store::Backend> real_;
  const DiskTrouble& trouble_;
};

}  // namespace martlet::sim
