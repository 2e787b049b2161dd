#include "env/posix/update_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "env/posix/descriptor.h"
#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

// Where `path` leads to; itself if there is nothing.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  return real ? std::string(real.get()) : path;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A file that goes unless it was put in its place.
class Draft {
 public:
  explicit Draft(const std::string& target)
      : name_(target + ".XXXXXX"), file_(::mkostemp(name_.data(), O_CLOEXEC)), there_(static_cast<bool>(file_)) {}
  ~Draft() {
    if (there_) ::unlink(name_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  // 0 or an errno. mkostemp() gave it mode 0600.
  int write(const std::string& text, const struct stat* like) {
    if (!file_) return errno;
    if (const int code = write_fully(file_.get(), as_bytes(text))) return code;
    if (like != nullptr) {
      struct stat facts {};
      if (::fstat(file_.get(), &facts) != 0) return errno;
      const bool same_owner = facts.st_uid == like->st_uid && facts.st_gid == like->st_gid;
      if (!same_owner && ::fchown(file_.get(), like->st_uid, like->st_gid) != 0) return errno;
      if (::fchmod(file_.get(), like->st_mode & 07777) != 0) return errno;
    }
    if (::fsync(file_.get()) != 0) return errno;
    return 0;
  }
  // 0 or an errno.
  int put(const std::string& target) {
    if (::rename(name_.c_str(), target.c_str()) != 0) return errno;
    there_ = false;
    return 0;
  }

 private:
  std::string name_;
  OwnedDescriptor file_;
  bool there_;
};

}  // namespace

Result<void> update_file(const std::string& path, std::size_t max_bytes, const FileChange& change) {
  const std::string target = resolved(path);
  const std::string folder = directory_of(target);
  const OwnedDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return system_error(fmt::format("cannot open the directory '{}'", folder), errno);
  while (::flock(directory.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return system_error(fmt::format("cannot lock the directory '{}'", folder), errno);
  }
  struct stat facts {};
  const bool exists = ::stat(target.c_str(), &facts) == 0;
  if (!exists && errno != ENOENT) return system_error(fmt::format("cannot open '{}'", path), errno);
  if (exists && !S_ISREG(facts.st_mode)) return fail(fmt::format("'{}' is not a file", path));
  std::optional<std::string> old;
  if (exists) {
    auto text = make_files()->read_all(target, max_bytes);
    if (!text) return tl::unexpected(text.error());
    old = std::move(*text);
  }
  const auto changed = change(old);
  if (!changed) return tl::unexpected(changed.error());
  Draft draft(target);
  int code = draft.write(*changed, exists ? &facts : nullptr);
  if (code == 0) code = draft.put(target);
  if (code == 0 && ::fsync(directory.get()) != 0) code = errno;
  if (code != 0) return system_error(fmt::format("cannot replace '{}' with its owner and mode kept", path), code);
  return {};
}

}  // namespace martlet::env::posix
