#include "env/posix/uring_network.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace martlet::env::posix {
namespace {

constexpr unsigned kRequests = 1024;      // prepared between two system calls; more cost one more call
constexpr unsigned kCompletions = 16384;  // the kernel keeps what does not fit

constexpr std::uint32_t kGenerationMask = (1u << 28) - 1;

// What a completion names: kind (4 bits), generation (28), descriptor or index (32).
std::uint64_t name_of(unsigned kind, std::uint32_t generation, std::uint32_t number) {
  return (std::uint64_t{kind} << 60) | (std::uint64_t{generation & kGenerationMask} << 32) | number;
}

IoOutcome send_outcome(std::int32_t result) {
  if (result > 0) return {IoStatus::ok, static_cast<std::size_t>(result), 0};
  if (result == 0 || result == -EAGAIN || result == -EINTR) return {IoStatus::would_block, 0, 0};
  return {IoStatus::failed, 0, -result};
}

}  // namespace

Result<std::unique_ptr<Network>> UringNetwork::open() {
  std::unique_ptr<UringNetwork> network(new UringNetwork());
  network->waker_ = OwnedDescriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!network->waker_) return system_error("cannot open a poller's wake-up", errno);
  io_uring_params params{};
  // All of the kernel's work for this ring is done when its one thread asks for it; disabled until that thread comes.
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  params.cq_entries = kCompletions;
  if (const int code = ::io_uring_queue_init_params(kRequests, &network->ring_, &params); code != 0) {
    network->ring_.ring_fd = -1;
    return system_error("the system offers no io_uring", -code);
  }
  if (auto opened = network->buffers_.open(network->ring_); !opened) return tl::unexpected(opened.error());
  return network;
}

UringNetwork::~UringNetwork() {
  if (ring_.ring_fd >= 0) ::io_uring_queue_exit(&ring_);
}

void UringNetwork::bind_to_thread() {
  if (bound_) return;
  // io_uring_enable_rings(), which Debian 12's liburing declares but does not have.
  const auto code = ::syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  check(code == 0, "a network is used by one thread");
  // Saves a look-up in each call; not needed.
  ::io_uring_register_ring_fd(&ring_);
  bound_ = true;
}

io_uring_sqe* UringNetwork::next_request() {
  io_uring_sqe* request = ::io_uring_get_sqe(&ring_);
  if (request) return request;
  ::io_uring_submit(&ring_);
  return ::io_uring_get_sqe(&ring_);
}

io_uring_sqe* UringNetwork::new_request() {
  io_uring_sqe* request = next_request();
  check(request != nullptr, "the kernel takes requests");
  return request;
}

// ---- what is watched

Result<void> UringNetwork::watch(Handle handle, Interest interest, std::uint64_t token) {
  const int fd = descriptor(handle);
  const auto index = static_cast<std::size_t>(fd);
  if (index >= watched_.size()) watched_.resize(std::max(index + 1, watched_.size() * 2));
  Watched& watched = watched_[index];
  check(!watched.used, "a descriptor is watched once");
  watched.used = true;
  watched.interest = interest;
  watched.token = token;
  list(fd);
  return {};
}

void UringNetwork::change(Handle handle, Interest interest, std::uint64_t token) {
  const int fd = descriptor(handle);
  Watched& watched = watched_.at(static_cast<std::size_t>(fd));
  check(watched.used, "only a watched descriptor's interest changes");
  watched.interest = interest;
  watched.token = token;
  list(fd);
}

void UringNetwork::unwatch(Handle handle) {
  const Watched& watched = watched_.at(static_cast<std::size_t>(descriptor(handle)));
  check(watched.used && !watched.interest.stream, "only a watched descriptor is unwatched, and no streamed one");
  cancel_all(descriptor(handle));
}

void UringNetwork::close(Handle handle) {
  const auto index = static_cast<std::size_t>(descriptor(handle));
  const bool used = index < watched_.size() && watched_[index].used;
  const bool polled = used && watched_[index].poll.armed;
  if (used) cancel_all(descriptor(handle));
  SocketNetwork::close(handle);
  // Requests keep a socket open. One that peers might still connect to has to go at once, the others at the next wait.
  if (polled && bound_) ::io_uring_submit_and_get_events(&ring_);
}

void UringNetwork::cancel(int fd, Kind kind, Request& request) {
  if (!request.armed || request.cancelled) return;
  io_uring_sqe* cancelling = next_request();
  // Only after the thread that it is bound to has ended: then the ring's end cancels it.
  if (!cancelling) return;
  const std::uint32_t generation = watched_[static_cast<std::size_t>(fd)].generation;
  const auto number = static_cast<std::uint32_t>(fd);
  ::io_uring_prep_cancel64(cancelling, name_of(static_cast<unsigned>(kind), generation, number), 0);
  cancelling->user_data = name_of(static_cast<unsigned>(Kind::cancel), 0, 0);
  cancelling->flags |= IOSQE_CQE_SKIP_SUCCESS;
  request.cancelled = true;
}

void UringNetwork::cancel_all(int fd) {
  Watched& watched = watched_[static_cast<std::size_t>(fd)];
  cancel(fd, Kind::receive, watched.receive);
  cancel(fd, Kind::poll, watched.poll);
  if (watched.held) held_.erase(fd);
  // Completions of before are told from the next user's by the generation.
  const std::uint32_t next = (watched.generation + 1) & kGenerationMask;
  const bool listed = watched.listed;
  watched = Watched();
  watched.generation = next;
  watched.listed = listed;
}

void UringNetwork::list(int fd) {
  Watched& watched = watched_[static_cast<std::size_t>(fd)];
  if (watched.listed) return;
  watched.listed = true;
  changed_.push_back(fd);
}

// Requests are made here alone, right before they are submitted: one made earlier could meet the descriptor's next
// user.
void UringNetwork::reconcile(int fd) {
  Watched& watched = watched_[static_cast<std::size_t>(fd)];
  watched.listed = false;
  if (!watched.used) return;
  const Interest interest = watched.interest;
  const auto number = static_cast<std::uint32_t>(fd);
  if (const bool wanted = interest.stream && interest.read && !watched.held; !wanted) {
    cancel(fd, Kind::receive, watched.receive);
  } else if (!watched.receive.armed) {
    io_uring_sqe* request = new_request();
    ::io_uring_prep_recv_multishot(request, fd, nullptr, 0, 0);
    request->flags |= IOSQE_BUFFER_SELECT;
    request->buf_group = ReceiveBuffers::kGroup;
    request->ioprio |= IORING_RECVSEND_POLL_FIRST;
    request->user_data = name_of(static_cast<unsigned>(Kind::receive), watched.generation, number);
    watched.receive = {.armed = true};
  }
  // A receiving request tells of the socket's death too, but not that it can be written to.
  const bool polled = !interest.stream || interest.write || (!interest.read && !watched.receive.armed);
  const unsigned mask = (interest.read && !interest.stream ? POLLIN : 0u) | (interest.write ? POLLOUT : 0u);
  if (watched.poll.armed) {
    if (!polled || mask != watched.poll_mask) cancel(fd, Kind::poll, watched.poll);
  } else if (polled) {
    io_uring_sqe* request = new_request();
    ::io_uring_prep_poll_add(request, fd, mask);
    request->user_data = name_of(static_cast<unsigned>(Kind::poll), watched.generation, number);
    watched.poll = {.armed = true};
    watched.poll_mask = static_cast<std::uint16_t>(mask);
  }
}

// ---- waiting

std::size_t UringNetwork::wait(std::int64_t timeout_ms, std::span<Event> events) {
  check(!events.empty(), "a wait has room for events");
  bind_to_thread();
  buffers_.give_back();
  for (const int fd : changed_) reconcile(fd);
  changed_.clear();
  if (!waker_armed_) {
    io_uring_sqe* request = new_request();
    ::io_uring_prep_poll_add(request, waker_.get(), POLLIN);
    request->user_data = name_of(static_cast<unsigned>(Kind::wake), 0, 0);
    waker_armed_ = true;
  }
  std::size_t count = report_held(events);
  enter(count > 0 || early_taken_ < early_.size() ? 0 : timeout_ms);
  while (count < events.size() && early_taken_ < early_.size()) {
    if (take(early_[early_taken_++], events[count])) ++count;
  }
  if (early_taken_ < early_.size()) return count;
  early_.clear();
  early_taken_ = 0;
  unsigned head = 0;
  unsigned seen = 0;
  const io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring_, head, completion) {
    if (count == events.size()) break;
    ++seen;
    if (take({completion->user_data, completion->res, completion->flags}, events[count])) ++count;
  }
  ::io_uring_cq_advance(&ring_, seen);
  return count;
}

void UringNetwork::enter(std::int64_t timeout_ms) {
  int code = 0;
  if (timeout_ms == 0) {
    code = ::io_uring_submit_and_get_events(&ring_);
  } else {
    __kernel_timespec time{timeout_ms / 1000, (timeout_ms % 1000) * 1'000'000};
    io_uring_cqe* first = nullptr;
    code = ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, timeout_ms < 0 ? nullptr : &time, nullptr);
  }
  check(code >= 0 || code == -ETIME || code == -EINTR || code == -EAGAIN || code == -EBUSY, "waiting for events works");
}

void UringNetwork::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the poller is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(waker_.get(), &one, sizeof one);
}

std::size_t UringNetwork::report_held(std::span<Event> events) {
  std::size_t count = 0;
  for (const auto& [fd, held] : held_) {
    const Watched& watched = watched_[static_cast<std::size_t>(fd)];
    if (count < events.size() && watched.interest.read) events[count++] = {watched.token, true, false, false};
  }
  return count;
}

bool UringNetwork::take(const Completion& completion, Event& event) {
  const auto kind = static_cast<Kind>(completion.user_data >> 60);
  const auto fd = static_cast<int>(static_cast<std::uint32_t>(completion.user_data));
  switch (kind) {
    case Kind::receive:
      return take_received(completion, fd, event);
    case Kind::poll:
      return take_polled(completion, fd, event);
    case Kind::wake: {
      std::uint64_t wakes = 0;
      read_descriptor(waker_.get(), &wakes, sizeof wakes);
      waker_armed_ = false;
      return false;
    }
    case Kind::send:
    case Kind::cancel:
      break;
  }
  return false;
}

bool UringNetwork::take_received(const Completion& completion, int fd, Event& event) {
  ByteView bytes;
  if (completion.result > 0) bytes = buffers_.take(completion.flags, static_cast<std::size_t>(completion.result));
  Watched& watched = watched_[static_cast<std::size_t>(fd)];
  if (((completion.user_data >> 32) & kGenerationMask) != watched.generation) return false;
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    watched.receive = {};
    list(fd);
  }
  if (!bytes.empty()) {
    if (watched.interest.read && !watched.held) {
      event = {watched.token, false, false, false, bytes};
      return true;
    }
    Held& held = held_[fd];
    held.bytes.insert(held.bytes.end(), bytes.begin(), bytes.end());
    watched.held = true;
    return false;
  }
  switch (completion.result) {
    case -ECANCELED:
    case -ENOBUFS:  // the turn's bytes fill all buffers: asked for again with the next
    case -EAGAIN:
    case -EINTR:
      return false;
    default:
      break;
  }
  const bool reported = watched.held;
  Held& held = held_[fd];
  held.ended = true;
  held.system_code = -completion.result;
  watched.held = true;
  event = {watched.token, true, false, false};
  return watched.interest.read && !reported;
}

bool UringNetwork::take_polled(const Completion& completion, int fd, Event& event) {
  Watched& watched = watched_[static_cast<std::size_t>(fd)];
  if (((completion.user_data >> 32) & kGenerationMask) != watched.generation) return false;
  // Once only: it is asked for again as long as somebody is interested.
  watched.poll = {};
  list(fd);
  if (completion.result < 0) return false;
  const auto bits = static_cast<unsigned>(completion.result);
  const bool dead = (bits & (POLLERR | POLLHUP)) != 0;
  event = {watched.token, (bits & POLLIN) != 0 && watched.interest.read, false, false};
  event.writable = watched.interest.write && (dead || (bits & POLLOUT) != 0);
  // Of a dead socket the receiving request has more to tell.
  event.hangup = dead && !watched.receive.armed;
  return event.readable || event.writable || event.hangup;
}

// ---- bytes

IoOutcome UringNetwork::read(Handle handle, std::span<std::uint8_t> room) {
  const int fd = descriptor(handle);
  if (static_cast<std::size_t>(fd) >= watched_.size()) return SocketNetwork::read(handle, room);
  Watched& watched = watched_[static_cast<std::size_t>(fd)];
  if (!watched.held) {
    // The request takes the bytes, and a look past it would break their order.
    return watched.receive.armed ? IoOutcome() : SocketNetwork::read(handle, room);
  }
  Held& held = held_[fd];
  const std::size_t count = std::min(room.size(), held.bytes.size() - held.read);
  if (count > 0) {
    copy_bytes(room.data(), ByteView(held.bytes).subspan(held.read, count));
    held.read += count;
  }
  const bool empty = held.read == held.bytes.size();
  if (empty && !held.ended) {
    held_.erase(fd);
    watched.held = false;
    list(fd);
    return count > 0 ? IoOutcome{IoStatus::ok, count, 0} : IoOutcome();
  }
  if (count > 0) return {IoStatus::ok, count, 0};
  return {held.system_code == 0 ? IoStatus::closed : IoStatus::failed, 0, held.system_code};
}

void UringNetwork::prepare_send(const Sending& sending, std::size_t index, std::size_t first_piece) {
  // None of these waits in the kernel: each is done, as far as it goes, when the call that submits it returns.
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  const int fd = descriptor(sending.handle);
  io_uring_sqe* request = new_request();
  if (sending.views.size() == 1) {
    ::io_uring_prep_send(request, fd, sending.views[0].data(), sending.views[0].size(), kFlags);
  } else {
    iovec* const pieces = &pieces_[first_piece];
    for (std::size_t i = 0; i < sending.views.size(); ++i) {
      pieces[i] = {const_cast<std::uint8_t*>(sending.views[i].data()), sending.views[i].size()};
    }
    messages_[index] = {};
    messages_[index].msg_iov = pieces;
    messages_[index].msg_iovlen = sending.views.size();
    ::io_uring_prep_sendmsg(request, fd, &messages_[index], kFlags);
  }
  request->user_data = name_of(static_cast<unsigned>(Kind::send), 0, static_cast<std::uint32_t>(index));
}

void UringNetwork::write_all(std::span<Sending> sendings) {
  bind_to_thread();
  std::size_t pieces = 0;
  for (const Sending& sending : sendings) {
    check(!sending.views.empty() && sending.views.size() <= kMaxWriteViews, "a write takes 1 to kMaxWriteViews views");
    pieces += sending.views.size();
  }
  if (pieces_.size() < pieces) pieces_.resize(pieces);
  if (messages_.size() < sendings.size()) messages_.resize(sendings.size());
  pieces = 0;
  for (std::size_t i = 0; i < sendings.size(); ++i) {
    prepare_send(sendings[i], i, pieces);
    pieces += sendings[i].views.size();
  }
  ::io_uring_submit(&ring_);
  std::size_t missing = sendings.size();
  for (;;) {
    missing -= take_sent(sendings);
    if (missing == 0) return;
    ::io_uring_submit_and_wait(&ring_, 1);
  }
}

// What has come besides waits for the next wait().
std::size_t UringNetwork::take_sent(std::span<Sending> sendings) {
  std::size_t sent = 0;
  unsigned head = 0;
  unsigned seen = 0;
  const io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring_, head, completion) {
    ++seen;
    if (static_cast<Kind>(completion->user_data >> 60) == Kind::send) {
      sendings[static_cast<std::uint32_t>(completion->user_data)].outcome = send_outcome(completion->res);
      ++sent;
    } else {
      early_.push_back({completion->user_data, completion->res, completion->flags});
    }
  }
  ::io_uring_cq_advance(&ring_, seen);
  return sent;
}

}  // namespace martlet::env::posix
