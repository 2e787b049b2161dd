// A file system for RocksDB that runs full, fails to sync, dies, and forgets at a power cut what was not synced.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace martlet::store::testing {

// What is known of the files, and what shall go wrong. Any thread.
class DiskState {
 public:
  // So many more bytes fit.
  void set_room(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    room_ = bytes;
  }
  void fail_syncs(bool failing) {
    const std::lock_guard lock(mutex_);
    syncs_fail_ = failing;
  }
  // Nothing is written any more, as if the process had been killed.
  void die() {
    const std::lock_guard lock(mutex_);
    dead_ = true;
  }
  // Cuts all files back to what was synced. After die(), when the database is closed.
  void forget_unsynced() const {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, synced] : synced_bytes_) {
      if (std::filesystem::exists(path) && std::filesystem::file_size(path) > synced) {
        std::filesystem::resize_file(path, synced);
      }
    }
  }

 private:
  friend class FaultyFile;
  friend class FaultyFileSystem;
  using IOStatus = rocksdb::IOStatus;

  IOStatus take(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (dead_) return dead();
    if (bytes > room_) return IOStatus::NoSpace("planned: No space left on device");
    room_ -= bytes;
    return IOStatus::OK();
  }
  IOStatus alive() const {
    const std::lock_guard lock(mutex_);
    return dead_ ? dead() : IOStatus::OK();
  }
  IOStatus may_sync() const {
    const std::lock_guard lock(mutex_);
    if (dead_) return dead();
    return syncs_fail_ ? IOStatus::IOError("planned: sync failed") : IOStatus::OK();
  }
  void synced(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    synced_bytes_[path] = bytes;
  }
  void renamed(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    const auto found = synced_bytes_.find(from);
    if (found == synced_bytes_.end()) return;
    synced_bytes_[to] = found->second;
    synced_bytes_.erase(found);
  }
  void deleted(const std::string& path) {
    const std::lock_guard lock(mutex_);
    synced_bytes_.erase(path);
  }
  static IOStatus dead() { return IOStatus::IOError("planned: the process is dead"); }

  mutable std::mutex mutex_;
  std::uint64_t room_ = std::numeric_limits<std::uint64_t>::max();
  bool syncs_fail_ = false;
  bool dead_ = false;
  std::map<std::string, std::uint64_t> synced_bytes_;
};

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using IOStatus = rocksdb::IOStatus;
  using Slice = rocksdb::Slice;
  using IOOptions = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using Base = rocksdb::FSWritableFileOwnerWrapper;

  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, std::shared_ptr<DiskState> disk)
      : Base(std::move(file)), path_(std::move(path)), disk_(std::move(disk)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, Debug* debug) override {
    IOStatus status = disk_->take(data.size());
    if (status.ok()) status = Base::Append(data, options, debug);
    if (status.ok()) written_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  Debug* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, Debug* debug) override {
    const IOStatus status = disk_->alive();
    return status.ok() ? Base::Truncate(size, options, debug) : status;
  }
  IOStatus Sync(const IOOptions& options, Debug* debug) override {
    IOStatus status = disk_->may_sync();
    if (status.ok()) status = Base::Sync(options, debug);
    if (status.ok()) disk_->synced(path_, written_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, Debug* debug) override { return Sync(options, debug); }

 private:
  const std::string path_;
  const std::shared_ptr<DiskState> disk_;
  std::uint64_t written_ = 0;
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using IOStatus = rocksdb::IOStatus;
  using IOOptions = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using Base = rocksdb::FileSystemWrapper;

  explicit FaultyFileSystem(std::shared_ptr<DiskState> disk)
      : Base(rocksdb::FileSystem::Default()), disk_(std::move(disk)) {}
  const char* Name() const override { return "martlet.faulty"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, Debug* debug) override {
    IOStatus status = disk_->alive();
    if (status.ok()) status = Base::NewWritableFile(path, options, file, debug);
    if (!status.ok()) return status;
    disk_->synced(path, 0);
    *file = std::make_unique<FaultyFile>(std::move(*file), path, disk_);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options, Debug* debug) override {
    IOStatus status = disk_->alive();
    if (status.ok()) status = Base::RenameFile(from, to, options, debug);
    if (status.ok()) disk_->renamed(from, to);
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, Debug* debug) override {
    IOStatus status = disk_->alive();
    if (status.ok()) status = Base::DeleteFile(path, options, debug);
    if (status.ok()) disk_->deleted(path);
    return status;
  }

 private:
  const std::shared_ptr<DiskState> disk_;
};

// An Env for RocksdbOptions::env.
inline std::unique_ptr<rocksdb::Env> make_faulty_env(std::shared_ptr<DiskState> disk) {
  return rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(std::move(disk)));
}

}  // namespace martlet::store::testing
