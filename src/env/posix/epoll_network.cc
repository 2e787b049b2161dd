// Network on epoll, and the choice between that and io_uring.
#include "env/posix/poller.h"
#include "env/posix/socket_network.h"
#include "env/posix/system.h"
#include "env/posix/uring_network.h"

namespace martlet::env::posix {
namespace {

class EpollNetwork final : public SocketNetwork {
 public:
  explicit EpollNetwork(Poller poller) : poller_(std::move(poller)) {}

  void close(Handle handle) override {
    poller_.forget(descriptor(handle));
    SocketNetwork::close(handle);
  }
  Result<void> watch(Handle handle, Interest interest, std::uint64_t token) override {
    return poller_.watch(descriptor(handle), interest, token);
  }
  void change(Handle handle, Interest interest, std::uint64_t token) override {
    poller_.change(descriptor(handle), interest, token);
  }
  void unwatch(Handle handle) override { poller_.unwatch(descriptor(handle)); }
  std::size_t wait(std::int64_t timeout_ms, std::span<Event> events) override {
    return poller_.wait(timeout_ms, events);
  }
  void wake() override { poller_.wake(); }

 private:
  Poller poller_;
};

}  // namespace

Result<std::unique_ptr<Network>> make_network(Polling polling) {
  ignore_sigpipe();
  if (polling != Polling::epoll) {
    auto uring = UringNetwork::open();
    if (uring) return uring;
    if (polling == Polling::io_uring) return tl::unexpected(uring.error());
  }
  auto poller = Poller::open();
  if (!poller) return tl::unexpected(poller.error());
  return std::make_unique<EpollNetwork>(std::move(*poller));
}

}  // namespace martlet::env::posix
