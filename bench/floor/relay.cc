#include "floor/relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace martlet::floor {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr std::size_t kKeptOutBytes = 1024 * 1024;

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

}  // namespace

Relay::Relay(int listener) : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes) {
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
      Client& client = clients_[static_cast<std::size_t>(fd)];
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

void Relay::read_from(int fd) {
  Client& client = clients_[static_cast<std::size_t>(fd)];
  const ssize_t count = ::read(fd, buffer_.data(), buffer_.size());
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return drop(fd);
  std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
  if (client.held.empty()) {
    bytes.remove_prefix(take_packets(fd, bytes));
    client.held.assign(bytes);
    return;
  }
  client.held.append(bytes);
  client.held.erase(0, take_packets(fd, client.held));
}

std::size_t Relay::take_packets(int fd, std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    std::size_t at = used + 1;
    const std::int64_t size = read_varint(bytes, at);
    if (size < 0 || bytes.size() - at < static_cast<std::size_t>(size)) break;
    take_packet(fd, static_cast<std::uint8_t>(bytes[used]), bytes.substr(at, static_cast<std::size_t>(size)));
    used = at + static_cast<std::size_t>(size);
  }
  return used;
}

void Relay::take_packet(int fd, std::uint8_t first, std::string_view body) {
  Client& client = clients_[static_cast<std::size_t>(fd)];
  switch (first >> 4) {
    case 1:  // CONNECT: the protocol level follows the name "MQTT"
      client.v5 = body.size() > 6 && body[6] == 5;
      return send(fd, client.v5 ? std::string_view("\x20\x03\0\0\0", 5) : std::string_view("\x20\x02\0\0", 4));
    case 3:
      return publish(fd, first, body);
    case 8:
      return subscribe(fd, body);
    case 12:  // PINGREQ
      return send(fd, std::string_view("\xD0\0", 2));
    default:  // acknowledgements need no answer at QoS 1; a DISCONNECT is followed by the end of the stream
      return;
  }
}

void Relay::publish(int fd, std::uint8_t first, std::string_view body) {
  const std::size_t topic_bytes = read_u16(body, 0);
  const std::string_view topic = body.substr(2, topic_bytes);
  const auto qos = static_cast<std::uint8_t>((first >> 1) & 3);
  std::size_t at = 2 + topic_bytes;
  if (qos > 0) {
    const char puback[4] = {'\x40', 2, body[at], body[at + 1]};
    send(fd, std::string_view(puback, sizeof puback));
    at += 2;
  }
  if (clients_[static_cast<std::size_t>(fd)].v5) {
    const std::int64_t properties = read_varint(body, at);
    at += static_cast<std::size_t>(properties);
  }
  key_.assign(topic);
  const auto found = topics_.find(key_);
  if (found == topics_.end()) return;
  for (const Subscriber& subscriber : found->second) deliver(subscriber, qos, topic, body.substr(at));
}

void Relay::deliver(const Subscriber& to, std::uint8_t qos, std::string_view topic, std::string_view payload) {
  Client& client = clients_[static_cast<std::size_t>(to.fd)];
  qos = std::min(qos, to.qos);
  const std::size_t body = 2 + topic.size() + (qos > 0 ? 2u : 0u) + (client.v5 ? 1u : 0u) + payload.size();
  const std::size_t before = client.out.size();
  client.out.resize(before + 5 + body);
  char* out = client.out.data() + before;
  *out++ = static_cast<char>(0x30 | qos << 1);
  out = put_varint(out, body);
  *out++ = static_cast<char>(topic.size() >> 8);
  *out++ = static_cast<char>(topic.size());
  out = std::copy(topic.begin(), topic.end(), out);
  if (qos > 0) {
    if (++client.next_packet_id == 0) client.next_packet_id = 1;
    *out++ = static_cast<char>(client.next_packet_id >> 8);
    *out++ = static_cast<char>(client.next_packet_id);
  }
  if (client.v5) *out++ = 0;
  out = std::copy(payload.begin(), payload.end(), out);
  client.out.resize(static_cast<std::size_t>(out - client.out.data()));
  mark(to.fd);
}

void Relay::subscribe(int fd, std::string_view body) {
  Client& client = clients_[static_cast<std::size_t>(fd)];
  const std::string_view packet_id = body.substr(0, 2);
  std::size_t at = 2;
  if (client.v5) {
    const std::int64_t properties = read_varint(body, at);
    at += static_cast<std::size_t>(properties);
  }
  std::string codes;
  while (at + 2 < body.size()) {
    const std::size_t size = read_u16(body, at);
    const std::string topic(body.substr(at + 2, size));
    const auto qos = static_cast<std::uint8_t>(body[at + 2 + size] & 3);
    at += 3 + size;
    topics_[topic].push_back({fd, qos});
    client.topics.push_back(topic);
    codes += static_cast<char>(qos);
  }
  char header[8];
  header[0] = '\x90';
  char* end = put_varint(header + 1, 2 + (client.v5 ? 1u : 0u) + codes.size());
  send(fd, std::string_view(header, static_cast<std::size_t>(end - header)));
  send(fd, packet_id);
  if (client.v5) send(fd, std::string_view("\0", 1));
  send(fd, codes);
}

void Relay::send(int fd, std::string_view bytes) {
  clients_[static_cast<std::size_t>(fd)].out.append(bytes);
  mark(fd);
}

void Relay::mark(int fd) {
  Client& client = clients_[static_cast<std::size_t>(fd)];
  if (client.dirty) return;
  client.dirty = true;
  dirty_.push_back(fd);
}

void Relay::flush_dirty() {
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Client& client = clients_[static_cast<std::size_t>(dirty_[i])];
    if (!client.dirty) continue;
    client.dirty = false;
    if (!client.write_blocked) flush(dirty_[i]);
  }
  dirty_.clear();
}

void Relay::flush(int fd) {
  Client& client = clients_[static_cast<std::size_t>(fd)];
  const ssize_t count =
      ::send(fd, client.out.data() + client.out_sent, client.out.size() - client.out_sent, MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) return drop(fd);
  if (count > 0) client.out_sent += static_cast<std::size_t>(count);
  if (client.out_sent < client.out.size()) {
    client.write_blocked = true;
    return watch(fd, true, EPOLL_CTL_MOD);
  }
  client.out_sent = 0;
  client.out.clear();
  if (client.out.capacity() > kKeptOutBytes) client.out = {};
}

void Relay::drop(int fd) {
  Client& client = clients_[static_cast<std::size_t>(fd)];
  for (const std::string& topic : client.topics) {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) continue;
    std::erase_if(found->second, [fd](const Subscriber& subscriber) { return subscriber.fd == fd; });
    if (found->second.empty()) topics_.erase(found);
  }
  client = Client();
  ::close(fd);
}

}  // namespace martlet::floor
