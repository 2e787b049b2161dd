#include "env/posix/local_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "env/posix/descriptor.h"
#include "env/posix/unix_socket.h"

namespace martlet::env::posix {
namespace {

constexpr std::size_t kMostQuestionBytes = 64 * 1024;
constexpr std::size_t kMostAnswerBytes = 64 * 1024 * 1024;
constexpr int kPeerMs = 1'000;
constexpr int kBacklog = 16;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(
        fmt::format("'{}' is no path for a socket: it may have at most {} bytes", path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool wait_for(int fd, short events, int wait_ms) {
  pollfd waiting{fd, events, 0};
  return ::poll(&waiting, 1, wait_ms) > 0;
}

// Up to the line break or the end; empty if nothing whole came in time.
std::string read_line(int fd, std::size_t most_bytes, int wait_ms) {
  std::string line;
  char chunk[4096];
  while (line.size() < most_bytes && wait_for(fd, POLLIN, wait_ms)) {
    const IoOutcome outcome = read_descriptor(fd, chunk, sizeof chunk);
    if (outcome.status != IoStatus::ok) return line;
    const void* const end = std::memchr(chunk, '\n', outcome.bytes);
    line.append(chunk, end ? static_cast<std::size_t>(static_cast<const char*>(end) - chunk) : outcome.bytes);
    if (end) return line;
  }
  return {};
}

bool write_line(int fd, std::string_view text, int wait_ms) {
  std::string line(text);
  line += '\n';
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t count = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      left.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR && ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait_for(fd, POLLOUT, wait_ms))) {
      return false;
    }
  }
  return true;
}

class PosixLocalServer final : public LocalServer {
 public:
  PosixLocalServer(OwnedDescriptor socket, OwnedDescriptor waker, std::string path)
      : socket_(std::move(socket)), waker_(std::move(waker)), path_(std::move(path)) {}
  ~PosixLocalServer() override {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void serve_one(int wait_ms, const Answer& answer) override {
    pollfd waiting[2] = {{socket_.get(), POLLIN, 0}, {waker_.get(), POLLIN, 0}};
    if (::poll(waiting, 2, wait_ms) <= 0) return;
    std::uint64_t count = 0;
    if (waiting[1].revents != 0) static_cast<void>(read_descriptor(waker_.get(), &count, sizeof count));
    if (waiting[0].revents == 0) return;
    const OwnedDescriptor peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) return;
    const std::string question = read_line(peer.get(), kMostQuestionBytes, kPeerMs);
    if (!question.empty()) write_line(peer.get(), answer(question), kPeerMs);
  }

  void wake() override {
    const std::uint64_t one = 1;
    static_cast<void>(::write(waker_.get(), &one, sizeof one));
  }

 private:
  OwnedDescriptor socket_;
  OwnedDescriptor waker_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<LocalServer>> LocalServer::open(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  if (const auto clear = clear_unix_path(path); !clear) return tl::unexpected(clear.error());
  OwnedDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_error("cannot make a socket", errno);
  // Nobody else can connect even before the mode is set.
  const mode_t before = ::umask(0077);
  const int bound = ::bind(socket.get(), generic(*address), sizeof *address);
  const int code = errno;
  ::umask(before);
  if (bound != 0) return system_error(fmt::format("cannot open the socket '{}'", path), code);
  if (::listen(socket.get(), kBacklog) != 0) return system_error(fmt::format("cannot listen at '{}'", path), errno);
  OwnedDescriptor waker(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!waker) return system_error("cannot make an eventfd", errno);
  return std::make_unique<PosixLocalServer>(std::move(socket), std::move(waker), path);
}

Result<std::unique_ptr<LocalServer>> LocalServer::without_socket() {
  OwnedDescriptor waker(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!waker) return system_error("cannot make an eventfd", errno);
  // poll(2) leaves out a negative descriptor.
  return std::make_unique<PosixLocalServer>(OwnedDescriptor(), std::move(waker), std::string());
}

Result<std::string> ask_local(const std::string& path, std::string_view question, int wait_ms) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  const OwnedDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error("cannot make a socket", errno);
  if (::connect(socket.get(), generic(*address), sizeof *address) != 0) {
    return system_error(fmt::format("nobody answers at '{}'", path), errno);
  }
  if (!write_line(socket.get(), question, wait_ms)) return fail(fmt::format("the process at '{}' does not read", path));
  std::string answer = read_line(socket.get(), kMostAnswerBytes, wait_ms);
  if (answer.empty()) return fail(fmt::format("no answer came from '{}'", path));
  return answer;
}

}  // namespace martlet::env::posix
