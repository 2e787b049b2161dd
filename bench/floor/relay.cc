#include "relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace martlet::floor {
namespace {

// A PUBLISH from this size on is forwarded in the blocks that it was read into; below it one copy is cheaper.
constexpr std::size_t kLargeBytes = 16 * 1024;
constexpr std::size_t kLeastReadBytes = 64 * 1024;
constexpr std::uint8_t kPublish = 3;

std::size_t read_u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[at])) << 8 | static_cast<std::uint8_t>(bytes[at + 1]);
}

// Value of the variable byte integer at `at`, which moves behind it; -1 if it is not all there.
std::int64_t read_varint(std::string_view bytes, std::size_t& at) {
  std::int64_t value = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    if (at >= bytes.size()) return -1;
    const auto byte = static_cast<std::uint8_t>(bytes[at++]);
    value |= static_cast<std::int64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return -1;
}

char* put_varint(char* to, std::size_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}

std::uint8_t type_of(std::string_view packet) {
  return static_cast<std::uint8_t>(packet[0]) >> 4;
}

std::uint8_t qos_of(std::string_view packet) {
  return (static_cast<std::uint8_t>(packet[0]) >> 1) & 3;
}

// Where a PUBLISH's payload begins; 0 if `packet` ends before that is known.
std::size_t find_payload(std::string_view packet, std::size_t body_at, bool v5) {
  if (packet.size() < body_at + 2) return 0;
  std::size_t at = body_at + 2 + read_u16(packet, body_at) + (qos_of(packet) > 0 ? 2 : 0);
  if (v5) {
    const std::int64_t properties = read_varint(packet, at);
    if (properties < 0) return 0;
    at += static_cast<std::size_t>(properties);
  }
  return at <= packet.size() ? at : 0;
}

}  // namespace

Relay::Relay(int listener) : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(blocks_.take()) {
  watch(listener_, false, EPOLL_CTL_ADD);
}

void Relay::watch(int fd, bool write, int operation) {
  epoll_event event{};
  event.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll_, operation, fd, &event);
}

void Relay::run() {
  epoll_event events[512];
  for (;;) {
    const int count = ::epoll_wait(epoll_, events, 512, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_) {
        accept_all();
        continue;
      }
      Client& client = client_of(fd);
      if ((events[i].events & EPOLLOUT) && client.write_blocked) {
        client.write_blocked = false;
        watch(fd, false, EPOLL_CTL_MOD);
        mark(fd);
      }
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_from(fd);
    }
    flush_dirty();
  }
}

void Relay::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (clients_.size() <= static_cast<std::size_t>(fd)) clients_.resize(static_cast<std::size_t>(fd) + 1);
    watch(fd, false, EPOLL_CTL_ADD);
  }
}

void Relay::make_room(std::size_t count) {
  if (buffer_->references == 1) buffer_used_ = 0;  // no outbox refers to it any more
  if (kBlockBytes - buffer_used_ >= count) return;
  blocks_.release(buffer_);
  buffer_ = blocks_.take();
  buffer_used_ = 0;
}

void Relay::read_from(int fd) {
  Client& client = client_of(fd);
  const std::size_t held = client.held.size();
  make_room(held + kLeastReadBytes);
  char* const begin = buffer_->bytes + buffer_used_;
  std::memcpy(begin, client.held.data(), held);
  const ssize_t count = ::read(fd, begin + held, kBlockBytes - buffer_used_ - held);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return drop(fd);
  const std::string_view bytes(begin, held + static_cast<std::size_t>(count));
  client.held.assign(bytes.substr(take_packets(fd, bytes)));
  buffer_used_ += bytes.size();
}

std::size_t Relay::take_packets(int fd, std::string_view bytes) {
  const Client& client = client_of(fd);
  std::size_t used = std::min(client.large_missing, bytes.size());
  if (used > 0) take_large_payload(fd, bytes.substr(0, used));
  while (used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    std::size_t body_at = 1;
    const std::int64_t body = read_varint(rest, body_at);
    if (body < 0) break;
    const std::size_t size = body_at + static_cast<std::size_t>(body);
    if (size >= kLargeBytes && type_of(rest) == kPublish) {
      const std::size_t taken = start_large(fd, rest.substr(0, size), body_at, size);
      if (taken == 0) break;
      used += taken;
      continue;
    }
    if (rest.size() < size) break;
    take_packet(fd, rest.substr(0, size), body_at);
    used += size;
  }
  return used;
}

void Relay::take_packet(int fd, std::string_view packet, std::size_t body_at) {
  Client& client = client_of(fd);
  switch (type_of(packet)) {
    case 1:  // CONNECT: the protocol level follows the name "MQTT"
      client.v5 = packet.size() > body_at + 6 && packet[body_at + 6] == 5;
      return send(fd, client.v5 ? std::string_view("\x20\x03\0\0\0", 5) : std::string_view("\x20\x02\0\0", 4));
    case kPublish:
      return publish(fd, packet, body_at, {});
    case 8:
      return subscribe(fd, packet.substr(body_at));
    case 12:  // PINGREQ
      return send(fd, std::string_view("\xD0\0", 2));
    default:  // acknowledgements need no answer at QoS 1; a DISCONNECT is followed by the end of the stream
      return;
  }
}

std::size_t Relay::start_large(int fd, std::string_view packet, std::size_t body_at, std::size_t size) {
  Client& client = client_of(fd);
  const std::size_t payload_at = find_payload(packet, body_at, client.v5);
  if (payload_at == 0) return 0;
  client.large_head.assign(packet.substr(0, payload_at));
  client.large_missing = size - payload_at;
  take_large_payload(fd, packet.substr(payload_at));
  return packet.size();
}

void Relay::take_large_payload(int fd, std::string_view bytes) {
  Client& client = client_of(fd);
  if (!bytes.empty()) client.large_payload.push_back(Blocks::share({buffer_, bytes}));
  client.large_missing -= bytes.size();
  if (client.large_missing > 0) return;
  std::size_t body_at = 1;
  read_varint(client.large_head, body_at);
  publish(fd, client.large_head, body_at, client.large_payload);
  for (const Piece& piece : client.large_payload) blocks_.release(piece.block);
  client.large_payload.clear();
}

void Relay::publish(int fd, std::string_view packet, std::size_t body_at, const std::vector<Piece>& payload) {
  const std::size_t topic_bytes = read_u16(packet, body_at);
  const std::size_t id_at = body_at + 2 + topic_bytes;
  const std::uint8_t qos = qos_of(packet);
  if (qos > 0) {
    const char puback[4] = {'\x40', 2, packet[id_at], packet[id_at + 1]};
    send(fd, std::string_view(puback, sizeof puback));
  }
  for (const int to : find_route(client_of(fd), packet.substr(body_at + 2, topic_bytes))) {
    Client& client = client_of(to);
    char* const copy = client.out.append(packet);
    if (qos > 0) {
      if (++client.next_packet_id == 0) client.next_packet_id = 1;
      copy[id_at] = static_cast<char>(client.next_packet_id >> 8);
      copy[id_at + 1] = static_cast<char>(client.next_packet_id);
    }
    for (const Piece& piece : payload) client.out.append(Blocks::share(piece));
    mark(to);
  }
}

const Relay::Route& Relay::find_route(Client& publisher, std::string_view topic) {
  if (publisher.route_generation == generation_ && publisher.topic == topic) return *publisher.route;
  publisher.topic.assign(topic);
  const auto [at, is_new] = routes_.try_emplace(publisher.topic);
  Route& route = at->second;
  if (is_new) {
    const auto exact = exact_.find(publisher.topic);
    if (exact != exact_.end()) route = exact->second;
    for (const auto& [prefix, fd] : prefixes_) {
      if (topic.starts_with(prefix)) route.push_back(fd);
    }
  }
  publisher.route = &route;
  publisher.route_generation = generation_;
  return route;
}

void Relay::subscribe(int fd, std::string_view body) {
  Client& client = client_of(fd);
  const std::string_view packet_id = body.substr(0, 2);
  std::size_t at = 2;
  if (client.v5) {
    const std::int64_t properties = read_varint(body, at);
    at += static_cast<std::size_t>(properties);
  }
  std::string codes;
  while (at + 2 < body.size()) {
    const std::size_t size = read_u16(body, at);
    const std::string filter(body.substr(at + 2, size));
    codes += static_cast<char>(body[at + 2 + size] & 3);
    at += 3 + size;
    if (filter.ends_with('#')) {
      prefixes_.emplace_back(filter.substr(0, filter.size() - 1), fd);
    } else {
      exact_[filter].push_back(fd);
    }
    client.filters.push_back(filter);
  }
  routes_.clear();
  ++generation_;
  char header[8];
  header[0] = '\x90';
  char* end = put_varint(header + 1, 2 + (client.v5 ? 1u : 0u) + codes.size());
  send(fd, std::string_view(header, static_cast<std::size_t>(end - header)));
  send(fd, packet_id);
  if (client.v5) send(fd, std::string_view("\0", 1));
  send(fd, codes);
}

void Relay::send(int fd, std::string_view bytes) {
  client_of(fd).out.append(bytes);
  mark(fd);
}

void Relay::mark(int fd) {
  Client& client = client_of(fd);
  if (client.dirty) return;
  client.dirty = true;
  dirty_.push_back(fd);
}

void Relay::flush_dirty() {
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Client& client = client_of(dirty_[i]);
    if (!client.dirty) continue;
    client.dirty = false;
    if (!client.write_blocked) flush(dirty_[i]);
  }
  dirty_.clear();
}

void Relay::flush(int fd) {
  Client& client = client_of(fd);
  switch (client.out.write_to(fd, blocks_)) {
    case Outbox::Outcome::all_written:
      return;
    case Outbox::Outcome::blocked:
      client.write_blocked = true;
      return watch(fd, true, EPOLL_CTL_MOD);
    case Outbox::Outcome::failed:
      return drop(fd);
  }
}

void Relay::drop(int fd) {
  Client& client = client_of(fd);
  for (const std::string& filter : client.filters) {
    const auto found = exact_.find(filter);
    if (found == exact_.end()) continue;
    std::erase(found->second, fd);
    if (found->second.empty()) exact_.erase(found);
  }
  if (!client.filters.empty()) {
    std::erase_if(prefixes_, [fd](const auto& prefix) { return prefix.second == fd; });
    routes_.clear();
    ++generation_;
  }
  client.out.clear(blocks_);
  for (const Piece& piece : client.large_payload) blocks_.release(piece.block);
  client = Client();
  ::close(fd);
}

}  // namespace martlet::floor
