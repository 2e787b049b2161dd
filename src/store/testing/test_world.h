// One disk on which a store lives and dies, for tests that every backend must pass.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/memory/memory_backend.h"
#include "store/rocksdb/open.h"
#include "store/store.h"
#include "store/testing/faulty_file_system.h"
#include "store/testing/temporary_directory.h"

namespace martlet::store::testing {

class World {
 public:
  virtual ~World() = default;
  // Opens what is on the disk.
  virtual std::unique_ptr<Backend> open() = 0;
  // Ends `store` as kill -9 would: what was written is kept.
  virtual void kill(std::unique_ptr<Store> store) = 0;
  // Ends `store` as a power cut would: what was synced is kept.
  virtual void cut_power(std::unique_ptr<Store> store) = 0;
};

class MemoryWorld final : public World {
 public:
  std::unique_ptr<Backend> open() override { return open_memory(disk_); }
  void kill(std::unique_ptr<Store> store) override {
    disk_ = disk_->killed();
    store.reset();
  }
  void cut_power(std::unique_ptr<Store> store) override {
    disk_ = disk_->power_cut();
    store.reset();
  }

 private:
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

class RocksdbWorld final : public World {
 public:
  std::unique_ptr<Backend> open() override {
    disk = std::make_shared<DiskState>();
    env_ = make_faulty_env(disk);
    options.path = directory / "store";
    options.env = env_.get();
    Result<std::unique_ptr<Backend>> backend = open_rocksdb(options);
    EXPECT_TRUE(backend) << backend.error().message;
    return backend ? std::move(*backend) : nullptr;
  }
  void kill(std::unique_ptr<Store> store) override {
    disk->die();
    store.reset();
  }
  void cut_power(std::unique_ptr<Store> store) override {
    kill(std::move(store));
    disk->forget_unsynced();
  }

  TemporaryDirectory directory;
  RocksdbOptions options;
  std::shared_ptr<DiskState> disk;

 private:
  std::unique_ptr<rocksdb::Env> env_;
};

// Hands over what is open. Returns what an acknowledgement at `level` waits for.
inline Ticket submit(Store& store, Durability level = Durability::fsync, std::uint32_t messages = 0) {
  const Ticket ticket = store.writer().ticket(level, messages);
  store.writer().submit();
  return ticket;
}

inline std::vector<std::pair<Position, std::string>> log_of(const Reader& reader, Position from = 0) {
  std::vector<std::pair<Position, std::string>> records;
  for (Position at = from; at < reader.end();) {
    const ScanOutcome outcome = reader.scan(at, 1u << 20, [&](Position position, ByteView record) {
      records.emplace_back(position, as_text(record));
      return true;
    });
    EXPECT_FALSE(outcome.error) << outcome.error->message;
    if (outcome.error) break;
    at = outcome.next;
  }
  return records;
}

inline std::vector<std::pair<std::string, std::string>> pairs_of(const Reader& reader, Table table,
                                                                 std::string_view prefix = {}) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const Result<void> scanned = reader.scan(table, as_bytes(prefix), [&](ByteView key, ByteView value) {
    pairs.emplace_back(as_text(key), as_text(value));
    return true;
  });
  EXPECT_TRUE(scanned) << scanned.error().message;
  return pairs;
}

}  // namespace martlet::store::testing
