// A layer below a process (LD_PRELOAD) that keeps account of what it does to the files below one directory: writes,
// syncs, names. power_cut.py makes of that account what a power cut may have left. To the process nothing is different,
// except that syncing costs nothing.
//
//   POWERCUT_ROOT     the directory, absolute
//   POWERCUT_JOURNAL  the account, outside of it
//
// An operation is carried out first and then noted, under one lock, so the account is in order, and what was not noted
// before kill -9 was not told to the process as done.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace {

// As power_cut.py reads them.
enum class Note : std::uint8_t { bind = 1, write, truncate, sync, rename, unlink, link, mkdir, rmdir };

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

constexpr std::size_t kMostDescriptors = 1u << 16;

class Account {
 public:
  static Account& instance() {
    static Account* account = new Account;  // never destroyed: other destructors may write files
    return *account;
  }

  std::mutex& mutex() { return mutex_; }
  // The number of the file that `fd` stands for, 0 if it is none of ours.
  std::uint32_t file(int fd) const {
    if (fd < 0 || static_cast<std::size_t>(fd) >= kMostDescriptors) return 0;
    return files_[static_cast<std::size_t>(fd)].load(std::memory_order_acquire);
  }
  // `path` below the root, beginning with '/'; empty if it is not below.
  std::string below(const char* path) const {
    if (root_.empty() || !path) return {};
    std::string whole = path;
    if (whole.empty() || whole[0] != '/') {
      char* directory = ::getcwd(nullptr, 0);
      whole = std::string(directory ? directory : "") + "/" + whole;
      std::free(directory);
    }
    std::string clean;
    whole += '/';
    for (std::size_t at = 0; at < whole.size(); ++at) {
      const std::size_t end = whole.find('/', at);
      const std::string part = whole.substr(at, end - at);
      if (!part.empty() && part != ".") clean += "/" + part;
      at = end;
    }
    if (!clean.starts_with(root_) || (clean.size() > root_.size() && clean[root_.size()] != '/')) return {};
    return clean == root_ ? "/" : clean.substr(root_.size());
  }

  void opened(int fd, const std::string& path, bool created, bool truncated) {
    struct stat facts {};
    if (::fstat(fd, &facts) != 0 || static_cast<std::size_t>(fd) >= kMostDescriptors) return;
    std::uint32_t& number = numbers_[facts.st_ino];
    if (created || number == 0) {
      number = ++last_number_;
      note(Note::bind, number, created ? 1 : 0, path);
    }
    if (truncated) note(Note::truncate, number, 0);
    files_[static_cast<std::size_t>(fd)].store(number, std::memory_order_release);
  }
  void closed(int fd) { files_[static_cast<std::size_t>(fd)].store(0, std::memory_order_release); }

  // One piece of the account: kind, file, a number, two lengths, two texts; little-endian.
  void note(Note kind, std::uint32_t file, std::uint64_t number, std::string_view first = {},
            std::string_view second = {}) {
    std::string piece(1, static_cast<char>(kind));
    const auto add = [&](const auto value) { piece.append(reinterpret_cast<const char*>(&value), sizeof value); };
    add(file);
    add(number);
    add(static_cast<std::uint32_t>(first.size()));
    add(static_cast<std::uint32_t>(second.size()));
    piece += first;
    piece += second;
    for (std::string_view rest = piece; !rest.empty();) {
      const ssize_t count = real_write_(journal_, rest.data(), rest.size());
      if (count <= 0) std::abort();
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }

 private:
  Account() {
    const char* root = std::getenv("POWERCUT_ROOT");
    const char* journal = std::getenv("POWERCUT_JOURNAL");
    if (!root || !journal) return;
    const auto open_file = real<int(const char*, int, ...)>("open");
    journal_ = open_file(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (journal_ < 0) std::abort();
    root_ = root;
  }

  std::mutex mutex_;
  std::string root_;
  int journal_ = -1;
  ssize_t (*real_write_)(int, const void*, std::size_t) = real<ssize_t(int, const void*, std::size_t)>("write");
  std::array<std::atomic<std::uint32_t>, kMostDescriptors> files_{};
  std::map<ino_t, std::uint32_t> numbers_;
  std::uint32_t last_number_ = 0;
};

using Lock = std::lock_guard<std::mutex>;

int open_with(const char* name, const char* path, int flags, mode_t mode) {
  const auto open_file = real<int(const char*, int, ...)>(name);
  Account& account = Account::instance();
  const std::string below = account.below(path);
  if (below.empty()) return open_file(path, flags, mode);
  const Lock lock(account.mutex());
  const bool existed = ::access(path, F_OK) == 0;
  const int fd = open_file(path, flags, mode);
  if (fd >= 0) account.opened(fd, below, !existed, existed && (flags & O_TRUNC) != 0);
  return fd;
}

mode_t mode_of(int flags, std::va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

// Writes with `write(); where it went is where the descriptor stands afterwards.
template <class Write>
ssize_t write_at_place(int fd, Write&& write, const auto& bytes_of) {
  Account& account = Account::instance();
  const std::uint32_t file = account.file(fd);
  if (file == 0) return write();
  const Lock lock(account.mutex());
  const ssize_t count = write();
  if (count > 0) {
    const auto written = static_cast<std::size_t>(count);
    const auto end = static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_CUR));
    account.note(Note::write, file, end - written, std::string_view(bytes_of()).substr(0, written));
  }
  return count;
}

ssize_t pwrite_with(const char* name, int fd, const void* bytes, std::size_t size, off_t at) {
  const auto write_file = real<ssize_t(int, const void*, std::size_t, off_t)>(name);
  Account& account = Account::instance();
  const std::uint32_t file = account.file(fd);
  if (file == 0) return write_file(fd, bytes, size, at);
  const Lock lock(account.mutex());
  const ssize_t count = write_file(fd, bytes, size, at);
  if (count > 0) {
    account.note(Note::write, file, static_cast<std::uint64_t>(at),
                 {static_cast<const char*>(bytes), static_cast<std::size_t>(count)});
  }
  return count;
}

// An operation that leaves the file with a length of its own; `file` 0: not ours.
template <class Call>
int resize(int fd, Call&& call) {
  Account& account = Account::instance();
  const std::uint32_t file = account.file(fd);
  if (file == 0) return call();
  const Lock lock(account.mutex());
  struct stat before {};
  struct stat after {};
  ::fstat(fd, &before);
  const int result = call();
  ::fstat(fd, &after);
  if (before.st_size != after.st_size) account.note(Note::truncate, file, static_cast<std::uint64_t>(after.st_size));
  return result;
}

int sync_with(const char* name, int fd) {
  Account& account = Account::instance();
  const std::uint32_t file = account.file(fd);
  if (file == 0) return real<int(int)>(name)(fd);
  const Lock lock(account.mutex());
  account.note(Note::sync, file, 0);
  return 0;
}

template <class Call>
int rename_path(Note kind, const char* from, const char* to, Call&& call) {
  Account& account = Account::instance();
  const std::string below_from = account.below(from);
  const std::string below_to = to ? account.below(to) : std::string();
  if (below_from.empty() && below_to.empty()) return call();
  const Lock lock(account.mutex());
  const int result = call();
  if (result == 0) account.note(kind, 0, 0, below_from, below_to);
  return result;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_with("open", path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_with("open64", path, flags, mode);
}

int close(int fd) {
  Account& account = Account::instance();
  if (account.file(fd) != 0) {
    const Lock lock(account.mutex());
    account.closed(fd);
    return real<int(int)>("close")(fd);
  }
  return real<int(int)>("close")(fd);
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  static const auto write_file = real<ssize_t(int, const void*, std::size_t)>("write");
  return write_at_place(
      fd, [&] { return write_file(fd, bytes, size); },
      [&] { return std::string_view(static_cast<const char*>(bytes), size); });
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  static const auto write_file = real<ssize_t(int, const struct iovec*, int)>("writev");
  return write_at_place(
      fd, [&] { return write_file(fd, parts, count); },
      [&] {
        std::string all;
        for (int i = 0; i < count; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        return all;
      });
}
ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  return pwrite_with("pwrite", fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off_t at) {
  return pwrite_with("pwrite64", fd, bytes, size, at);
}

int ftruncate(int fd, off_t size) noexcept {
  return resize(fd, [&] { return real<int(int, off_t)>("ftruncate")(fd, size); });
}
int ftruncate64(int fd, off_t size) noexcept {
  return resize(fd, [&] { return real<int(int, off_t)>("ftruncate64")(fd, size); });
}
int fallocate(int fd, int mode, off_t at, off_t size) {
  return resize(fd, [&] { return real<int(int, int, off_t, off_t)>("fallocate")(fd, mode, at, size); });
}
int posix_fallocate(int fd, off_t at, off_t size) {
  return resize(fd, [&] { return real<int(int, off_t, off_t)>("posix_fallocate")(fd, at, size); });
}

int fsync(int fd) {
  return sync_with("fsync", fd);
}
int fdatasync(int fd) {
  return sync_with("fdatasync", fd);
}

int rename(const char* from, const char* to) noexcept {
  return rename_path(Note::rename, from, to, [&] { return real<int(const char*, const char*)>("rename")(from, to); });
}
int link(const char* from, const char* to) noexcept {
  return rename_path(Note::link, from, to, [&] { return real<int(const char*, const char*)>("link")(from, to); });
}
int unlink(const char* path) noexcept {
  return rename_path(Note::unlink, path, nullptr, [&] { return real<int(const char*)>("unlink")(path); });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return rename_path(Note::mkdir, path, nullptr, [&] { return real<int(const char*, mode_t)>("mkdir")(path, mode); });
}
int rmdir(const char* path) noexcept {
  return rename_path(Note::rmdir, path, nullptr, [&] { return real<int(const char*)>("rmdir")(path); });
}

}  // extern "C"
