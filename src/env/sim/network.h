// A network of one host with one listener, and the clients around it. Bytes are on their way until they are carried, in
// pieces of any size; a connection breaks wherever it is told to. Nothing waits and nothing is random. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "env/network.h"

namespace martlet::env::sim {

// A connection as the client's side names it, until it calls leave().
using LinkId = std::uint32_t;

enum class To : std::uint8_t { server, client };

class SimulatedNetwork final : public Network {
 public:
  // Each direction of a connection holds up to `buffer_bytes`, on their way or not read.
  explicit SimulatedNetwork(std::size_t buffer_bytes) : buffer_bytes_(buffer_bytes) {}

  // ---- what happens in the world

  // Bytes on their way.
  std::size_t under_way(LinkId link, To to) const;
  // How many of those that arrived there the host, if it is still open, has not read.
  std::size_t unread_by_host(LinkId link) const {
    const Link& it = *links_[link];
    return it.server_open && !it.cut ? it.to_server.arrived : 0;
  }
  // The first `bytes` of them arrive. What was sent last was the sender's end, if it ended: it arrives with the bytes
  // before it.
  void carry(LinkId link, To to, std::size_t bytes);
  // The connection is cut: what is under way is lost; what has arrived can still be read.
  void cut(LinkId link);
  // The host loses its power: every connection is cut, nobody listens. To be called before the process is torn down.
  void power_cut();
  // The process is gone: whatever it had not closed itself is closed.
  void process_ended();

  // ---- the clients' side

  // Knocks at the listener; nothing if nobody listens.
  std::optional<LinkId> knock();
  // What fits in is on its way; returns how much that was.
  std::size_t send(LinkId link, ByteView bytes);
  // What has arrived; take() drops the first `bytes` of it.
  ByteView arrived(LinkId link) const;
  void take(LinkId link, std::size_t bytes);
  // All that had arrived is taken and no more will come.
  bool ended(LinkId link) const;
  // The client closes its side and forgets the link. What it has sent goes on its way; nothing is read any more.
  void leave(LinkId link);
  // The host sends no more; after a cut, once it knows of it.
  bool server_left(LinkId link) const {
    return !links_[link]->server_open || (links_[link]->to_client.ended && !links_[link]->cut);
  }
  // What the host sent last did not fit in, and waits.
  bool server_blocked(LinkId link) const { return links_[link]->blocked; }
  // It had read all that the client sent when it ended its side.
  bool server_read_all(LinkId link) const { return links_[link]->read_all; }

  // Every link that either side still has, those of clients that left included.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (LinkId id = 0; id < links_.size(); ++id) {
      if (links_[id] && !links_[id]->free()) visit(id);
    }
  }

  // What `poller` watches, one for each core of the host: what a core's own Network answers with.
  Result<void> watch_for(std::uint32_t poller, Handle handle, Interest interest, std::uint64_t token);
  std::size_t wait_for(std::uint32_t poller, std::span<Event> events);

  // ---- Network, of poller 0
  Result<std::vector<Endpoint>> resolve(const Endpoint& endpoint) override { return std::vector{endpoint}; }
  Result<Handle> listen(const Endpoint& endpoint, const ListenOptions& options) override;
  Result<Endpoint> local_endpoint(Handle) override { return Endpoint{"192.0.2.1", 1883}; }
  Accepted accept(Handle listener) override;
  bool shed(Handle) override { return false; }
  Result<Handle> connect(const Endpoint&) override { return fail("the simulated host connects to nobody"); }
  int connect_error(Handle handle) override;
  IoOutcome read(Handle handle, std::span<std::uint8_t> room) override;
  IoOutcome write(Handle handle, std::span<const ByteView> views) override;
  void shutdown_write(Handle handle) override;
  void close(Handle handle) override;
  Result<void> watch(Handle handle, Interest interest, std::uint64_t token) override {
    return watch_for(0, handle, interest, token);
  }
  void change(Handle handle, Interest interest, std::uint64_t token) override;
  void unwatch(Handle handle) override;
  // Never waits: the world decides what is next.
  std::size_t wait(std::int64_t, std::span<Event> events) override { return wait_for(0, events); }
  void wake() override {}

 private:
  // Bytes of one direction: the first `arrived` of them can be read.
  struct Stream {
    std::vector<std::uint8_t> bytes;
    std::size_t read = 0;  // of `bytes` at the front
    std::size_t arrived = 0;
    bool ended = false;      // the sender sends no more
    bool end_came = false;   // and the reader can know it
    bool forgotten = false;  // the reader reads no more

    std::size_t size() const { return bytes.size() - read; }
    std::size_t under_way() const { return size() - arrived; }
    void drop_under_way() { bytes.resize(read + arrived); }
    void take(std::size_t count);
    void carry(std::size_t count);
  };
  struct Link {
    Stream to_server;
    Stream to_client;
    bool accepted = false;
    bool server_open = true;
    bool client_open = true;
    bool cut = false;
    bool read_all = false;
    bool blocked = false;
    bool watched = false;
    std::uint32_t poller = 0;
    Interest interest;
    std::uint64_t token = 0;

    bool free() const { return !server_open && !client_open; }
  };

  static constexpr int kListener = 1;
  static constexpr int kFirstLink = 2;
  Link& link_of(Handle handle) { return *links_[static_cast<std::size_t>(static_cast<int>(handle) - kFirstLink)]; }
  std::size_t room(const Stream& stream) const { return buffer_bytes_ - std::min(buffer_bytes_, stream.size()); }
  void end_server_side(Link& link);
  void drop_waiting();

  const std::size_t buffer_bytes_;
  std::vector<std::unique_ptr<Link>> links_;  // by LinkId; a free one is used again
  std::deque<LinkId> waiting_;                // at the door
  bool listening_ = false;
  bool listener_watched_ = false;
  std::uint32_t listener_poller_ = 0;
  std::uint64_t listener_token_ = 0;
};

// The same host's network as one of its further cores has it.
class SimulatedPoller final : public Network {
 public:
  SimulatedPoller(SimulatedNetwork& host, std::uint32_t number) : host_(host), number_(number) {}

  Result<std::vector<Endpoint>> resolve(const Endpoint& endpoint) override { return host_.resolve(endpoint); }
  Result<Handle> listen(const Endpoint& at, const ListenOptions& options) override { return host_.listen(at, options); }
  Result<Endpoint> local_endpoint(Handle handle) override { return host_.local_endpoint(handle); }
  Accepted accept(Handle listener) override { return host_.accept(listener); }
  bool shed(Handle listener) override { return host_.shed(listener); }
  Result<Handle> connect(const Endpoint& endpoint) override { return host_.connect(endpoint); }
  int connect_error(Handle handle) override { return host_.connect_error(handle); }
  IoOutcome read(Handle handle, std::span<std::uint8_t> room) override { return host_.read(handle, room); }
  IoOutcome write(Handle handle, std::span<const ByteView> views) override { return host_.write(handle, views); }
  void shutdown_write(Handle handle) override { host_.shutdown_write(handle); }
  void close(Handle handle) override { host_.close(handle); }
  Result<void> watch(Handle handle, Interest interest, std::uint64_t token) override {
    return host_.watch_for(number_, handle, interest, token);
  }
  void change(Handle handle, Interest interest, std::uint64_t token) override { (void)watch(handle, interest, token); }
  void unwatch(Handle handle) override { host_.unwatch(handle); }
  std::size_t wait(std::int64_t, std::span<Event> events) override { return host_.wait_for(number_, events); }
  void wake() override {}

 private:
  SimulatedNetwork& host_;
  const std::uint32_t number_;
};

}  // namespace martlet::env::sim
