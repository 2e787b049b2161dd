// A broker's record sink on its core's writer of the store. Core thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "broker/ports.h"
#include "env/clock.h"
#include "server/durable/byte_writer.h"
#include "store/store.h"

namespace martlet::server {

// Keys of the tables, as docs/formats/records.md says.
void session_key(std::uint64_t key, ByteWriter& to);
void subscription_key(std::uint64_t key, std::string_view filter, ByteWriter& to);
void incoming_key(std::uint64_t key, std::uint16_t packet_id, ByteWriter& to);
void outgoing_key(std::uint64_t key, std::uint64_t position, ByteWriter& to);
inline constexpr std::uint8_t kIncomingMark = 'i';
inline constexpr std::uint8_t kOutgoingMark = 'o';

class DurableRecords final : public broker::RecordSink {
 public:
  // `writer`: one of the store's, this core's. `state_level`: of what append() takes. Store and clock outlive the sink.
  DurableRecords(store::Store& store, store::Writer& writer, env::Clock& clock,
                 Durability state_level = Durability::fsync)
      : store_(store), writer_(writer), clock_(clock), state_level_(state_level) {}

  Ticket append(const broker::Record& record) override;
  void add(const broker::Record& record) override;
  // While the disk takes nothing, an acknowledgement waits for the write at Durability::memory too: what waits is
  // bounded.
  Ticket ticket(Durability level, std::uint32_t messages) override;
  std::uint64_t next_position() const override { return writer_.next(); }
  bool accepting() const override;
  bool full() const override;
  bool failing() const override { return store_.failing(); }
  std::string failure() const override { return store_.health().text; }
  void submit() override { writer_.submit(); }
  std::uint64_t durable_position() const override { return writer_.resolved(); }
  std::uint64_t readable_below() const override { return writer_.readable_below(); }
  broker::LogReading read(std::uint64_t key, std::span<const session::LoggedDelivery> wanted,
                          std::span<session::Delivery> to) override;
  std::uint64_t begin_within(std::uint64_t max_bytes, std::int64_t oldest_wall_ms) override;
  // Of the store, so of all cores together.
  std::optional<broker::LogFigures> figures() const override;
  void pass(std::uint64_t position) override { writer_.pass(position); }
  void renew() override { writer_.renew(); }

 private:
  void write(const broker::MessageOwed& record);
  void write(const broker::HandedOver& record);
  void write(const broker::Trimmed& record) { writer_.trim(record.position); }
  void write(const broker::RetainedChanged& record);
  void write(const broker::SessionChanged& record);
  void write(const broker::SessionEnded& record);
  void write(const broker::SubscriptionChanged& record);
  void write(const broker::SubscriptionRemoved& record);
  void write(const broker::IncomingTaken& record);
  void write(const broker::IncomingReleased& record);
  void write(const broker::OutgoingChanged& record);
  void write(const broker::WillChanged& record);
  void erase_all(store::Table table, std::uint64_t key);

  const store::Store& store_;
  store::Writer& writer_;
  env::Clock& clock_;
  const Durability state_level_;
  ByteWriter key_;
  ByteWriter value_;
};

}  // namespace martlet::server
