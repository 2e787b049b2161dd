// Record sinks in front of the real one: what passes everything on, and the faults that the simulator must find.
#pragma once

#include <algorithm>
#include <memory>
#include <variant>

#include "broker/ports.h"

namespace martlet::sim {

class ForwardingSink : public broker::RecordSink {
 public:
  // `real` outlives the sink.
  explicit ForwardingSink(broker::RecordSink& real) : real_(real) {}

  Ticket append(const broker::Record& record) override { return real_.append(record); }
  std::uint64_t next_position() const override { return real_.next_position(); }
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
    switch (plant_) {
      case Plant::early_acknowledgement: {
        const Ticket ticket = ForwardingSink::append(record);
        return std::holds_alternative<broker::MessageOwed>(record) ? Ticket::done() : ticket;
      }
      case Plant::forgotten_release:
        if (std::holds_alternative<broker::IncomingReleased>(record)) return Ticket::done();
        break;
      case Plant::greedy_trim:
        if (const auto* trimmed = std::get_if<broker::Trimmed>(&record)) {
          return ForwardingSink::append(broker::Trimmed{std::min(trimmed->position + 2, next_position())});
        }
        break;
      case Plant::none:
        break;
    }
    return ForwardingSink::append(record);
  }

 private:
  const Plant plant_;
};

}  // namespace martlet::sim
