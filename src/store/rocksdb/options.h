// What can be chosen about the RocksDB backend.
#pragma once

#include <cstddef>
#include <string>

namespace rocksdb {
class Env;
}

namespace martlet::store {

struct RocksdbOptions {
  std::string path;  // the directory; created, not its parents
  // Memory: each of the log's up to three write buffers, and all other tables' buffers and cached blocks together.
  std::size_t log_buffer_bytes = 16u << 20;
  std::size_t table_buffer_bytes = 2u << 20;
  std::size_t cache_bytes = 8u << 20;
  // Disk: the write-ahead log is kept below this, which also bounds the time that opening takes after a crash.
  std::size_t max_wal_bytes = 64u << 20;
  // The system is told to write in the background each time that so much was written, so that no sync finds a lot.
  std::size_t bytes_per_sync = 1u << 20;
  // Opens although synced bytes at the end of the write-ahead log are damaged, and drops all from the damage on.
  bool drop_damaged_end = false;
  // What was written last was not synced (no topic has Durability::fsync), so a power cut may have left any part of it:
  // opens with what is before the first damage.
  bool unsynced_end = false;
  // Another file system below, for tests. Outlives the backend.
  rocksdb::Env* env = nullptr;
};

}  // namespace martlet::store
