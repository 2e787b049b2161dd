// Record sinks in front of the real one: what passes everything on, and the faults that the simulator must find.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <variant>

#include "broker/ports.h"

namespace martlet::sim {

class ForwardingSink : public broker::RecordSink {
 public:
  // `real` outlives the sink.
  explicit ForwardingSink(broker::RecordSink& real) : real_(real) {}

  Ticket append(const broker::Record& record) override { return real_.append(record); }
  void add(const broker::Record& record) override { real_.add(record); }
  Ticket ticket(Durability level, std::uint32_t messages) override { return real_.ticket(level, messages); }
  std::uint64_t next_position() const override { return real_.next_position(); }
  void pass(std::uint64_t position) override { real_.pass(position); }
  void renew() override { real_.renew(); }
  bool accepting() const override { return real_.accepting(); }
  void submit() override { real_.submit(); }
  std::uint64_t durable_position() const override { return real_.durable_position(); }
  std::uint64_t readable_below() const override { return real_.readable_below(); }
  broker::LogReading read(std::uint64_t key, std::span<const session::LoggedDelivery> wanted,
                          std::span<session::Delivery> to) override {
    return real_.read(key, wanted, to);
  }
  std::uint64_t begin_within(std::uint64_t max_bytes, std::int64_t oldest_wall_ms) override {
    return real_.begin_within(max_bytes, oldest_wall_ms);
  }
  std::optional<broker::LogFigures> figures() const override { return real_.figures(); }

 private:
  broker::RecordSink& real_;
};

// A fault that is planted to see whether the simulator finds it.
enum class Plant : std::uint8_t {
  none,
  early_acknowledgement,  // an acknowledgement leaves before its message is durable
  forgotten_release,      // the release of an incoming QoS 2 identifier is not recorded
  greedy_trim,            // the log is trimmed too far
};

class PlantedSink final : public ForwardingSink {
 public:
  PlantedSink(broker::RecordSink& real, Plant plant) : ForwardingSink(real), plant_(plant) {}

  Ticket append(const broker::Record& record) override {
    const bool release = std::holds_alternative<broker::IncomingReleased>(record);
    if (release && plant_ == Plant::forgotten_release) return Ticket::done();
    return ForwardingSink::append(record);
  }
  void add(const broker::Record& record) override {
    const auto* trimmed = std::get_if<broker::Trimmed>(&record);
    if (trimmed && plant_ == Plant::greedy_trim) {
      return ForwardingSink::add(broker::Trimmed{std::min(trimmed->position + 2, next_position())});
    }
    ForwardingSink::add(record);
  }
  Ticket ticket(Durability level, std::uint32_t messages) override {
    const Ticket ticket = ForwardingSink::ticket(level, messages);
    return plant_ == Plant::early_acknowledgement ? Ticket::done() : ticket;
  }

 private:
  const Plant plant_;
};

}  // namespace martlet::sim
