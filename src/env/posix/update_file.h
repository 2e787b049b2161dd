// Changes a file so that whoever reads it sees the old one or the new one, whole, whatever happens meanwhile.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace martlet::env::posix {

// The new contents; `old` is nothing if there is no such file.
using FileChange = std::function<Result<std::string>(const std::optional<std::string>& old)>;

// Reads `path` (at most `max_bytes`), lets `change` say what it is to hold, writes that beside it, syncs it and puts it
// in its place. Owner, group and mode stay; a new file has mode 0600. A symbolic link is followed. Two such calls in
// one directory wait for each other. An Error changes nothing: the one of `change`, or of the system, such as when the
// owner cannot be kept.
Result<void> update_file(const std::string& path, std::size_t max_bytes, const FileChange& change);

}  // namespace martlet::env::posix
