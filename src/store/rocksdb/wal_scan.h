// Tells a write that a power cut tore from damage to what was synced. RocksDB refuses a write-ahead log whose last
// write has the right length and the wrong bytes, as a power cut may leave it; to open what is before it is right only
// if nothing was written later, since each later write waited for the sync of the one before. Writes that waited for no
// sync may be torn in their middle too; that looks like damage, and a person decides.
#pragma once

#include <rocksdb/env.h>

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::store {

struct WalDamage {
  std::string file;  // its name in the directory; empty if the logs cannot be read
  std::uint64_t offset = 0;
  bool writes_follow = true;  // a whole beginning of a write stands behind it

  // "write-ahead log 000012.log is damaged at byte 700".
  std::string text() const;
};

// The first damage of the write-ahead logs in `path`. Nothing if there is none.
std::optional<WalDamage> wal_damage(rocksdb::Env& env, const std::string& path);

}  // namespace martlet::store
