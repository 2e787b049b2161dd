#include "store/rocksdb/directory.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

#include "store/rocksdb/layout.h"
#include "store/rocksdb/settings.h"

namespace martlet::store {
namespace {

std::string file_in(const std::string& path, std::string_view name) {
  return fmt::format("{}/{}", path, name);
}

rocksdb::Status sync_directory(rocksdb::Env& env, const std::string& path) {
  std::unique_ptr<rocksdb::Directory> directory;
  const rocksdb::Status status = env.NewDirectory(path, &directory);
  return status.ok() ? directory->Fsync() : status;
}

// The directory's own name: without it all that is synced below may be gone after a power cut.
rocksdb::Status sync_parent(rocksdb::Env& env, const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return rocksdb::Status::OK();  // the root
  const std::size_t slash = path.find_last_of('/', end);
  return sync_directory(env, slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

// Under a temporary name first: a crash leaves a whole FORMAT file or none.
rocksdb::Status write_format(rocksdb::Env& env, const std::string& path) {
  const std::string temporary = file_in(path, kFormatFile) + ".tmp";
  const std::string text = fmt::format("{}{}\n", kFormatPrefix, kFormatVersion);
  rocksdb::Status status = rocksdb::WriteStringToFile(&env, text, temporary, true);
  if (status.ok()) status = env.RenameFile(temporary, file_in(path, kFormatFile));
  if (status.ok()) status = sync_directory(env, path);
  return status;
}

Result<void> check_format(const std::string& path, std::string_view text) {
  std::uint32_t version = 0;
  if (text.starts_with(kFormatPrefix)) {
    text.remove_prefix(kFormatPrefix.size());
    std::from_chars(text.data(), text.data() + text.size(), version);
  }
  if (version == 0) return fail(fmt::format("store {}: its file {} is damaged", path, kFormatFile));
  if (version > kFormatVersion) {
    return fail(
        fmt::format("store {}: it has format {}, this program knows up to {}: use the newer martlet that wrote it",
                    path, version, kFormatVersion));
  }
  return {};
}

}  // namespace

Result<void> claim_directory(rocksdb::Env& env, const std::string& path, bool create) {
  std::string format;
  rocksdb::Status status = rocksdb::ReadFileToString(&env, file_in(path, kFormatFile), &format);
  if (status.ok()) return check_format(path, format);
  // A missing file is an IOError to some file systems, so the directory is asked.
  if (env.FileExists(file_in(path, kFormatFile)).ok()) return tl::unexpected(error_of(path, "read FORMAT", status));

  std::vector<std::string> names;
  status = env.GetChildren(path, &names);
  const bool exists = status.ok();
  if (!exists && env.FileExists(path).ok()) return tl::unexpected(error_of(path, "list the directory", status));
  for (const std::string& name : names) {
    if (name == "." || name == ".." || name == fmt::format("{}.tmp", kFormatFile)) continue;
    return fail(fmt::format("store {}: the directory holds something else ('{}' and no file {}); name an empty one",
                            path, name, kFormatFile));
  }
  if (!create) return fail(fmt::format("store {}: there is none", path));
  if (!exists) status = env.CreateDirIfMissing(path);
  if (status.ok()) status = sync_parent(env, path);
  if (status.ok()) status = write_format(env, path);
  if (!status.ok()) return tl::unexpected(error_of(path, "create the directory", status));
  return {};
}

}  // namespace martlet::store
