// The broker's surroundings for tests, fuzzing and benchmarks: outboxes in memory, records that become durable when
// told.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "broker/ports.h"

namespace martlet::broker::testing {

class FakeTransport final : public Transport {
 public:
  struct Connection {
    std::uint32_t generation = 0;
    bool open = false;
    bool paused = false;
    bool touched = false;
    ByteChain outbox;  // what the broker wrote is left in it after the close
  };

  // A free slot for a new connection; the driver then tells the broker.
  ConnectionId open() {
    std::uint32_t slot = 0;
    while (slot < connections_.size() && connections_[slot]->open) ++slot;
    if (slot == connections_.size()) connections_.push_back(std::make_unique<Connection>());
    Connection& connection = *connections_[slot];
    connection.open = true;
    connection.paused = connection.touched = false;
    connection.outbox.clear();
    return {slot, ++connection.generation};
  }
  // The network lost it; the driver then tells the broker.
  void lose(ConnectionId id) { at(id).open = false; }
  bool is_open(ConnectionId id) { return connections_[id.slot]->generation == id.generation && at(id).open; }
  Connection& at(ConnectionId id) { return *connections_[id.slot]; }

  ByteChain& outbox(ConnectionId id) override {
    check(is_open(id), "the broker writes to open connections only");
    return at(id).outbox;
  }
  void touch(ConnectionId id) override { at(id).touched = true; }
  void close(ConnectionId id) override {
    check(at(id).generation == id.generation, "a connection is closed before its slot is used again");
    at(id).open = false;
  }
  void pause_reading(ConnectionId id, bool paused) override { at(id).paused = paused; }
  std::uint64_t bytes_sent() const override { return 0; }

 private:
  std::vector<std::unique_ptr<Connection>> connections_;
};

// Counts records, keeps a line about each, and the messages of the log.
class FakeRecords : public RecordSink {
 public:
  Ticket append(const Record& record) override {
    add(record);
    return ticket(Durability::fsync, 0);
  }
  void add(const Record& record) override {
    if (keeps_names) names.emplace_back(name_of(record));
    ++position;
    if (const auto* owed = std::get_if<MessageOwed>(&record)) log(owed->message, owed->owed);
    if (const auto* over = std::get_if<HandedOver>(&record)) log(over->message, over->to);
  }
  Ticket ticket(Durability level, std::uint32_t messages) override {
    promised[static_cast<std::size_t>(level)] += messages;
    return at_once || level == Durability::memory ? Ticket::done() : Ticket::at(position);
  }

  std::uint64_t next_position() const override { return keeps_log ? log_.size() + 1 : 0; }
  std::uint64_t readable_below() const override { return log_.size() + 1; }
  bool accepting() const override { return accepts; }
  LogReading read(std::uint64_t key, std::span<const session::LoggedDelivery> wanted,
                  std::span<session::Delivery> to) override {
    if (!accepts || !reads) return {};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Logged& logged = log_.at(wanted[i].position - 1);
      to[i] = session::Delivery::from(wanted[i]);
      to[i].message = logged.message;
      const auto several = logged.identifiers.find(key);
      if (several != logged.identifiers.end()) {
        to[i].identifiers = session::SubscriptionIdentifiers(several->second);
      }
    }
    return {wanted.size(), {}};
  }

  // Keys of those that the record at position `at` names.
  std::vector<std::uint64_t> owed_to(std::uint64_t at) const {
    std::vector<std::uint64_t> keys;
    for (const auto& [key, identifiers] : log_.at(at - 1).identifiers) keys.push_back(key);
    return keys;
  }
  std::size_t log_records() const { return log_.size(); }

  std::uint64_t position = 0;  // of the last ticket
  bool at_once = true;         // every ticket is resolved
  bool keeps_names = true;
  bool keeps_log = true;
  bool accepts = true;                      // the disk is well
  bool reads = true;                        // or so it seems
  std::array<std::uint32_t, 3> promised{};  // messages, by level
  std::vector<std::string> names;

 private:
  struct Logged {
    session::MessageRef message;
    std::map<std::uint64_t, std::vector<std::uint32_t>> identifiers;  // by session key
  };

  void log(const session::Message& message, std::span<const Owed> owed) {
    Logged& logged = log_.emplace_back();
    logged.message =
        session::MessageRef::make(message.topic(), message.payload(), message.properties(), message.facts());
    for (const Owed& one : owed) {
      logged.identifiers[one.session_key].assign(one.identifiers.begin(), one.identifiers.end());
    }
  }
  static const char* name_of(const Record& record) {
    static constexpr const char* kNames[] = {"message owed",         "handed over",          "trimmed",
                                             "retained changed",     "session changed",      "session ended",
                                             "subscription changed", "subscription removed", "incoming taken",
                                             "incoming released",    "outgoing changed",     "will changed"};
    return kNames[record.index()];
  }

  std::vector<Logged> log_;  // from position 1
};

class SilentLog final : public Log {
 public:
  bool wants(LogLevel) const override { return false; }

 private:
  void put(LogLevel, std::string_view, const LogSubject&) override {}
};

}  // namespace martlet::broker::testing
