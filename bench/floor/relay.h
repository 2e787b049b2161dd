// A relay with none of a broker's duties: what the machine charges for moving the same bytes. Exact topics, QoS 0 and
// 1, no sessions, no checks of what clients send, no queue limits, one thread, level-triggered epoll. Never to be
// exposed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace martlet::floor {

class Relay {
 public:
  explicit Relay(int listener);
  // Relays until the process ends.
  [[noreturn]] void run();

 private:
  struct Client {
    bool v5 = false;
    bool dirty = false;
    bool write_blocked = false;
    std::uint16_t next_packet_id = 0;
    std::string held;  // the start of an unfinished packet
    std::string out;
    std::size_t out_sent = 0;
    std::vector<std::string> topics;  // subscribed to
  };
  struct Subscriber {
    int fd;
    std::uint8_t qos;
  };

  void accept_all();
  void read_from(int fd);
  // Bytes used: whole packets.
  std::size_t take_packets(int fd, std::string_view bytes);
  void take_packet(int fd, std::uint8_t first, std::string_view body);
  void publish(int fd, std::uint8_t first, std::string_view body);
  void deliver(const Subscriber& to, std::uint8_t qos, std::string_view topic, std::string_view payload);
  void subscribe(int fd, std::string_view body);
  void send(int fd, std::string_view bytes);
  void mark(int fd);
  void flush_dirty();
  void flush(int fd);
  void watch(int fd, bool write, int operation);
  void drop(int fd);

  int listener_;
  int epoll_;
  std::vector<Client> clients_;  // by descriptor
  std::vector<int> dirty_;
  std::unordered_map<std::string, std::vector<Subscriber>> topics_;
  std::string key_;
  std::vector<char> buffer_;
};

}  // namespace martlet::floor
