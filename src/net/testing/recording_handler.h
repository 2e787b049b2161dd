// A ReactorHandler for tests: remembers what it was told, and runs a hook where a test sets one.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/reactor_handler.h"

namespace martlet::net::testing {

struct Closed {
  ConnectionId id;
  CloseReason reason;
  int system_code;
};

class RecordingHandler final : public ReactorHandler {
 public:
  std::vector<ConnectionId> accepted_ids;
  std::vector<std::string> peers;
  std::vector<ConnectionId> connected_ids;
  std::map<std::uint64_t, std::string> bytes;
  std::vector<ConnectionId> drained_ids;
  std::vector<Closed> closed_ones;
  std::vector<RefuseReason> refusals;
  std::vector<std::uint32_t> externals;
  std::size_t waits = 0;
  std::size_t waits_ended = 0;

  std::function<void(ConnectionId)> on_accepted;
  std::function<bool(ConnectionId, std::string_view)> on_located;
  std::function<void(ConnectionId)> on_connected;
  std::function<void(ConnectionId, ByteView)> on_received;
  std::function<void(ConnectionId)> on_drained;
  std::function<void(ConnectionId)> on_closed;
  std::function<void(std::uint32_t)> on_external;
  std::function<bool()> on_before_wait;

  void accepted(ConnectionId id, ListenerId, std::string_view peer_address) override {
    accepted_ids.push_back(id);
    peers.emplace_back(peer_address);
    if (on_accepted) on_accepted(id);
  }
  bool located(ConnectionId id, std::string_view peer_address) override {
    return !on_located || on_located(id, peer_address);
  }
  void connected(ConnectionId id) override {
    connected_ids.push_back(id);
    if (on_connected) on_connected(id);
  }
  void received(ConnectionId id, ByteView view) override {
    if (on_received) return on_received(id, view);
    bytes[id.value()].append(as_text(view));
  }
  void drained(ConnectionId id) override {
    drained_ids.push_back(id);
    if (on_drained) on_drained(id);
  }
  void closed(ConnectionId id, CloseReason reason, int system_code) override {
    closed_ones.push_back({id, reason, system_code});
    if (on_closed) on_closed(id);
  }
  void refused(ListenerId, RefuseReason reason) override { refusals.push_back(reason); }
  void external_ready(std::uint32_t token) override {
    externals.push_back(token);
    if (on_external) on_external(token);
  }

  bool before_wait() override {
    ++waits;
    return !on_before_wait || on_before_wait();
  }
  void after_wait() override { ++waits_ended; }

  std::string received_by(ConnectionId id) const {
    const auto found = bytes.find(id.value());
    return found == bytes.end() ? std::string() : found->second;
  }
  std::size_t times_closed(ConnectionId id) const {
    return static_cast<std::size_t>(
        std::count_if(closed_ones.begin(), closed_ones.end(), [id](const Closed& one) { return one.id == id; }));
  }
};

}  // namespace martlet::net::testing
