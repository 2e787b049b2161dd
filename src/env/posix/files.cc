#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "env/posix/descriptor.h"
#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

Result<void> write_file(const std::string& path, ByteView bytes, int mode) {
  OwnedDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0644));
  if (!file) return system_error(fmt::format("cannot open '{}' for writing", path), errno);
  if (const int code = write_fully(file.get(), bytes))
    return system_error(fmt::format("cannot write '{}'", path), code);
  if (::close(file.release()) != 0) return system_error(fmt::format("cannot write '{}'", path), errno);
  return {};
}

class PosixFiles final : public Files {
 public:
  Result<std::string> read_all(const std::string& path, std::size_t max_bytes) override {
    OwnedDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error(fmt::format("cannot open '{}'", path), errno);
    std::string text;
    char chunk[16384];
    for (;;) {
      const IoOutcome outcome = read_descriptor(file.get(), chunk, sizeof chunk);
      if (outcome.status == IoStatus::closed) return text;
      if (outcome.status == IoStatus::would_block) return fail(fmt::format("cannot read '{}' without waiting", path));
      if (outcome.status == IoStatus::failed) {
        return system_error(fmt::format("cannot read '{}'", path), outcome.system_code);
      }
      if (outcome.bytes > max_bytes - text.size()) {
        return fail(fmt::format("'{}' is larger than {} bytes", path, max_bytes));
      }
      text.append(chunk, outcome.bytes);
    }
  }

  Result<void> write_all(const std::string& path, ByteView bytes) override { return write_file(path, bytes, O_TRUNC); }
  Result<void> append(const std::string& path, ByteView bytes) override { return write_file(path, bytes, O_APPEND); }

  bool others_may_read(const std::string& path) override {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && (facts.st_mode & S_IROTH) != 0;
  }

  IoOutcome read_some(Handle stream, std::span<std::uint8_t> room) override {
    return read_descriptor(descriptor(stream), room.data(), room.size());
  }

  Result<void> write_stream(Handle stream, ByteView bytes) override {
    if (const int code = write_fully(descriptor(stream), bytes)) return system_error("cannot write the output", code);
    return {};
  }
};

}  // namespace

std::unique_ptr<Files> make_files() {
  return std::make_unique<PosixFiles>();
}

}  // namespace martlet::env::posix
