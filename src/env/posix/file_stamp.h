// Tells whether a file was changed or replaced.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::env::posix {

struct FileStamp {
  std::int64_t changed_ns = 0;  // all zero: the file is not there
  std::uint64_t size_bytes = 0;
  std::uint64_t inode = 0;

  bool operator==(const FileStamp&) const = default;
};

// Of what `path` leads to; of a directory, which changes when a file is put in or taken out.
FileStamp file_stamp(const std::string& path);

}  // namespace martlet::env::posix
