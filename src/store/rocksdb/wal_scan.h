// Tells a write that a power cut tore from damage to what was synced. RocksDB refuses a write-ahead log whose last
// write has the right length and the wrong bytes, as a power cut may leave it; to open what is before it is right only
// if nothing was written later, since each later write waited for the sync of the one before. Writes that waited for no
// sync may be torn in their middle too; that looks like damage, and a person decides.
#pragma once

#include <rocksdb/env.h>

#include <string>

namespace martlet::store {

// True if the write-ahead logs in `path` hold a whole beginning of a write behind their first damage, or cannot be
// read, or hold no damage at all.
bool writes_follow_damage(rocksdb::Env& env, const std::string& path);

}  // namespace martlet::store
