// A relay with none of a broker's duties: what the machine charges for moving the same bytes. What it saves:
// - It forwards a PUBLISH byte by byte as it came, with the packet identifier replaced. So publisher and subscriber
//   have to speak the same version and to subscribe with the QoS of the publishes; topic aliases have no meaning here.
// - QoS 0 and 1. No sessions, no retained messages, no wills, no keep alive, no limits, no answer to a bad packet; what
//   is unacknowledged is not kept, and a slow reader's outbox grows.
// - Filters are topic names, or a prefix with `#` at the end; overlapping ones deliver twice.
// - One thread, level-triggered epoll, one write a turn for each socket. A payload of 16 KiB or more is never copied.
// Never to be exposed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "blocks.h"
#include "outbox.h"

namespace martlet::floor {

class Relay {
 public:
  explicit Relay(int listener);
  // Relays until the process ends.
  [[noreturn]] void run();

 private:
  using Route = std::vector<int>;  // descriptors of the subscribers

  struct Client {
    bool v5 = false;
    bool dirty = false;
    bool write_blocked = false;
    std::uint16_t next_packet_id = 0;
    std::string held;                  // the start of an unfinished packet
    std::string large_head;            // of an unfinished large PUBLISH: all before the payload
    std::vector<Piece> large_payload;  // what has come of it
    std::size_t large_missing = 0;
    Outbox out;
    std::vector<std::string> filters;  // subscribed to
    std::string topic;                 // of the last PUBLISH, whose route is known
    const Route* route = nullptr;
    std::uint64_t route_generation = 0;
  };

  void accept_all();
  void read_from(int fd);
  // Room behind buffer_used_ for `count` bytes at least, without touching what outboxes refer to.
  void make_room(std::size_t count);
  // Bytes used: whole packets, and all that has come of a large PUBLISH.
  std::size_t take_packets(int fd, std::string_view bytes);
  void take_packet(int fd, std::string_view packet, std::size_t body_at);
  // Bytes of `packet` used, which is the start of a PUBLISH of `size` bytes; 0: its head is not all there.
  std::size_t start_large(int fd, std::string_view packet, std::size_t body_at, std::size_t size);
  void take_large_payload(int fd, std::string_view bytes);
  // `packet` may end before the payload, of which the pieces then are the whole.
  void publish(int fd, std::string_view packet, std::size_t body_at, const std::vector<Piece>& payload);
  const Route& find_route(Client& publisher, std::string_view topic);
  void subscribe(int fd, std::string_view body);
  void send(int fd, std::string_view bytes);
  void mark(int fd);
  void flush_dirty();
  void flush(int fd);
  void watch(int fd, bool write, int operation);
  void drop(int fd);
  Client& client_of(int fd) { return clients_[static_cast<std::size_t>(fd)]; }

  int listener_;
  int epoll_;
  std::vector<Client> clients_;  // by descriptor
  std::vector<int> dirty_;
  std::unordered_map<std::string, Route> exact_;
  std::vector<std::pair<std::string, int>> prefixes_;  // of filters that end in `#`
  std::unordered_map<std::string, Route> routes_;      // of topics that were published to; emptied by each change
  std::uint64_t generation_ = 1;                       // of routes_
  Blocks blocks_;
  Block* buffer_;  // what is read into
  std::size_t buffer_used_ = 0;
};

}  // namespace martlet::floor
