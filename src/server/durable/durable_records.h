// The broker's record sink on a store. Core thread.
#pragma once

#include <cstdint>
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
  // Both outlive the sink.
  DurableRecords(store::Store& store, env::Clock& clock) : store_(store), clock_(clock) {}

  Ticket append(const broker::Record& record) override;
  std::uint64_t next_position() const override { return store_.next(); }
  bool accepting() const override;
  void submit() override { store_.submit(); }
  std::uint64_t durable_position() const override { return store_.resolved(); }

 private:
  void write(const broker::MessageOwed& record);
  void write(const broker::HandedOver& record);
  void write(const broker::Trimmed& record) { store_.trim(record.position); }
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

  store::Store& store_;
  env::Clock& clock_;
  ByteWriter key_;
  ByteWriter value_;
};

}  // namespace martlet::server
