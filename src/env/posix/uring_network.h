// Network on io_uring. A socket that is only watched is polled, as with epoll. A streamed one has one receiving request
// in the kernel for as long as it lives, which puts what comes into the core's buffers; all sockets are written to with
// one system call. Accepting stays accept(2): it gives the peer's address at once.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "env/posix/receive_buffers.h"
#include "env/posix/socket_network.h"

namespace martlet::env::posix {

class UringNetwork final : public SocketNetwork {
 public:
  // An Error where the system has no io_uring, forbids it, or is older than Linux 6.12.
  static Result<std::unique_ptr<Network>> open();
  ~UringNetwork() override;

  IoOutcome read(Handle handle, std::span<std::uint8_t> room) override;
  void write_all(std::span<Sending> sendings) override;
  void close(Handle handle) override;
  Result<void> watch(Handle handle, Interest interest, std::uint64_t token) override;
  void change(Handle handle, Interest interest, std::uint64_t token) override;
  void unwatch(Handle handle) override;
  bool streams() const override { return true; }
  // The first wait() or write_all() binds this object to its thread.
  std::size_t wait(std::int64_t timeout_ms, std::span<Event> events) override;
  void wake() override;

 private:
  enum class Kind : std::uint8_t { receive, poll, send, wake, cancel };

  // A request in the kernel.
  struct Request {
    bool armed = false;
    bool cancelled = false;  // asked for; still armed until it says that it has ended
  };
  // What is watched, by descriptor.
  struct Watched {
    std::uint64_t token = 0;
    std::uint32_t generation = 0;  // of the descriptor's users
    Interest interest;
    bool used = false;
    bool listed = false;  // in changed_
    bool held = false;    // has an entry in held_
    Request receive;
    Request poll;
    std::uint16_t poll_mask = 0;  // as armed
  };
  // What a streamed socket brought while nobody wanted it, and how it ended.
  struct Held {
    std::vector<std::uint8_t> bytes;
    std::size_t read = 0;
    bool ended = false;
    int system_code = 0;  // 0: the peer's end
  };
  struct Completion {
    std::uint64_t user_data;
    std::int32_t result;
    std::uint32_t flags;
  };

  UringNetwork() { ring_.ring_fd = -1; }
  void bind_to_thread();
  // nullptr if the kernel takes none.
  io_uring_sqe* next_request();
  io_uring_sqe* new_request();
  void cancel(int fd, Kind kind, Request& request);
  void cancel_all(int fd);
  // Puts the descriptor's requests in accord with the interest in it, at the next wait.
  void list(int fd);
  void reconcile(int fd);
  void enter(std::int64_t timeout_ms);
  std::size_t report_held(std::span<Event> events);
  // True if it gave an event.
  bool take(const Completion& completion, Event& event);
  bool take_received(const Completion& completion, int fd, Event& event);
  bool take_polled(const Completion& completion, int fd, Event& event);
  void prepare_send(const Sending& sending, std::size_t index, std::size_t first_piece);
  // Fills the outcomes of those that are done; returns how many.
  std::size_t take_sent(std::span<Sending> sendings);

  ReceiveBuffers buffers_;
  io_uring ring_{};
  OwnedDescriptor waker_;
  bool bound_ = false;
  bool waker_armed_ = false;
  std::vector<Watched> watched_;
  std::vector<int> changed_;
  std::unordered_map<int, Held> held_;
  std::vector<Completion> early_;  // came while sending; the next wait's
  std::size_t early_taken_ = 0;
  std::vector<iovec> pieces_;
  std::vector<msghdr> messages_;
};

}  // namespace martlet::env::posix
