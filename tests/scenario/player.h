// Plays a script's steps against a world and says where it differs.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/scenario/script.h"
#include "tests/scenario/world.h"
#include "tests/support/packet_text.h"
#include "wire/framer.h"

namespace martlet::scenario {

struct Failure {
  int line = 0;
  std::string message;  // what differs, the log's last line and the trace so far
};

class Player {
 public:
  Player(const Script& script, World& world) : script_(script), world_(world) {}

  // The first difference, or nothing.
  std::optional<Failure> play();

 private:
  struct Received {
    std::string raw;
    test::PacketText packet;
  };
  struct Client {
    std::string name;
    wire::ProtocolVersion version = wire::ProtocolVersion::v5_0;
    wire::Framer framer{wire::kMaxPacketBytes};
    std::deque<Received> inbox;
    bool open = false;
  };

  static bool holds_tickets(const std::vector<Step>& steps);
  void play_steps(const std::vector<Step>& steps);
  void play_step(const Step& step);
  bool play_own(const std::string& word, const std::string& rest, const Step& step);
  void repeat(const std::string& rest, const Step& step);
  void verdict(const std::string& rest);
  void all_differ(const std::string& rest);
  void play_client(const std::string& name, const std::string& rest, const Step& step);
  bool play_transport(std::size_t client, const std::string& action);
  void send(std::size_t client, const std::string& line, const Step& step);
  std::string bytes_of(std::size_t client, const std::string& line);
  void expect(std::size_t client, const std::string& line, const Step& step);
  void expect_any_order(std::size_t client, const Step& step);
  void expect_raw(std::size_t client, const std::string& line);
  void expect_closed(std::size_t client);
  void expect_nothing(std::size_t client);

  std::size_t client_named(const std::string& name);
  // Reads what came for everyone.
  void collect();
  void collect(std::size_t client);
  Received take(std::size_t client, const std::string& expected);
  void check_end();
  [[noreturn]] void differ(const std::string& what) const;
  void trace(std::string line);

  const Script& script_;
  World& world_;
  test::Variables variables_;
  std::vector<Client> clients_;
  std::vector<std::string> trace_;
  int line_ = 0;
};

}  // namespace martlet::scenario
