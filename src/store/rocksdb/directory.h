// Whose directory it is: the FORMAT file.
#pragma once

#include <rocksdb/env.h>

#include <string>

#include "base/result.h"

namespace martlet::store {

// Makes sure that `path` is a store of a format that this program knows. `create`: a missing or empty directory becomes
// one. An Error for a directory that holds something else, and for a newer format.
Result<void> claim_directory(rocksdb::Env& env, const std::string& path, bool create);

}  // namespace martlet::store
