#include "server/durable/durable_records.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "server/durable/log_reading.h"
#include "server/durable/record_codec.h"

namespace martlet::server {

using store::Table;

namespace {

// With more than this on its way to the disk, publishers are held.
constexpr std::size_t kMostPendingBytes = 64u << 20;

}  // namespace

void session_key(std::uint64_t key, ByteWriter& to) {
  to.number64(key);
}

void subscription_key(std::uint64_t key, std::string_view filter, ByteWriter& to) {
  to.number64(key);
  to.raw(as_bytes(filter));
}

void incoming_key(std::uint64_t key, std::uint16_t packet_id, ByteWriter& to) {
  to.number64(key);
  to.number8(kIncomingMark);
  to.number16(packet_id);
}

void outgoing_key(std::uint64_t key, std::uint64_t position, ByteWriter& to) {
  to.number64(key);
  to.number8(kOutgoingMark);
  to.number64(position);
}

bool DurableRecords::full() const {
  return store_.pending_bytes() >= kMostPendingBytes;
}

bool DurableRecords::accepting() const {
  return !full() && !store_.failing();
}

Ticket DurableRecords::append(const broker::Record& record) {
  add(record);
  return ticket(state_level_, 0);
}

void DurableRecords::add(const broker::Record& record) {
  key_.clear();
  value_.clear();
  std::visit([this](const auto& one) { write(one); }, record);
}

Ticket DurableRecords::ticket(Durability level, std::uint32_t messages) {
  if (level == Durability::memory && !accepting()) level = Durability::interval;
  return writer_.ticket(level, messages);
}

std::optional<broker::LogFigures> DurableRecords::figures() const {
  constexpr std::uint64_t kNsPerUs = 1'000;
  const store::CommitMetrics& metrics = store_.metrics();
  broker::LogFigures figures;
  figures.unsafe_messages = metrics.unsafe_messages.load(std::memory_order_relaxed);
  figures.pending_bytes = store_.pending_bytes();
  figures.syncs = metrics.syncs.load(std::memory_order_relaxed);
  figures.commit_p50_us = metrics.commit_ns.quantile(0.5) / kNsPerUs;
  figures.commit_p99_us = metrics.commit_ns.quantile(0.99) / kNsPerUs;
  figures.group_p50 = metrics.group_operations.quantile(0.5);
  figures.failing = store_.failing();
  return figures;
}

// ---- reading

broker::LogReading DurableRecords::read(std::uint64_t key, std::span<const session::LoggedDelivery> wanted,
                                        std::span<session::Delivery> to) {
  return read_log(store_, writer_.readable_below(), clock_.now(), key, wanted, to);
}

// Sizes rise along the log and times nearly do, so either bound is a search in halves. What this core cannot read yet
// is not cut.
std::uint64_t DurableRecords::begin_within(std::uint64_t max_bytes, std::int64_t oldest_wall_ms) {
  const store::Reader& reader = store_.reader();
  const auto within = [&](store::Position begin) {
    if (max_bytes != 0 && reader.log_bytes(begin) > max_bytes) return false;
    if (oldest_wall_ms == 0) return true;
    const std::int64_t received = received_wall_ms(reader, begin);
    return received == 0 || received >= oldest_wall_ms;
  };
  store::Position low = reader.first();
  store::Position high = std::min(reader.end(), writer_.readable_below());
  if (low >= high || within(low)) return low;
  while (high - low > 1) {
    const store::Position middle = low + (high - low) / 2;
    (within(middle) ? high : low) = middle;
  }
  return high;
}

// ---- writing

void DurableRecords::write(const broker::MessageOwed& record) {
  encode(record, clock_.now(), value_);
  writer_.append(value_.view());
  if (record.packet_id_qos2 != 0) write(broker::IncomingTaken{record.publisher_key, record.packet_id_qos2});
}

void DurableRecords::write(const broker::HandedOver& record) {
  encode(record, clock_.now(), value_);
  writer_.append(value_.view());
}

void DurableRecords::write(const broker::RetainedChanged& record) {
  const ByteView topic = as_bytes(record.message.topic());
  if (record.message.payload().empty()) return writer_.erase_shared(Table::retained, topic);
  value_.number8(kRecordLayout);
  encode(record.message, clock_.now(), value_);
  writer_.put_shared(Table::retained, topic, value_.view());
}

void DurableRecords::write(const broker::SessionChanged& record) {
  session_key(record.key, key_);
  encode(record, value_);
  writer_.put(Table::sessions, key_.view(), value_.view());
}

// What was recorded under the session and is not committed yet stays behind; the next start cleans it up.
void DurableRecords::write(const broker::SessionEnded& record) {
  session_key(record.key, key_);
  writer_.erase(Table::sessions, key_.view());
  erase_all(Table::subscriptions, record.key);
  erase_all(Table::exchanges, record.key);
}

void DurableRecords::erase_all(Table table, std::uint64_t key) {
  ByteWriter prefix;
  session_key(key, prefix);
  std::vector<std::string> found;
  // A damaged table keeps its pairs; they belong to nobody.
  static_cast<void>(store_.reader().scan(table, prefix.view(), [&](ByteView name, ByteView) {
    found.emplace_back(as_text(name));
    return true;
  }));
  for (const std::string& name : found) writer_.erase(table, as_bytes(name));
}

void DurableRecords::write(const broker::SubscriptionChanged& record) {
  subscription_key(record.key, record.filter, key_);
  encode(record, value_);
  writer_.put(Table::subscriptions, key_.view(), value_.view());
}

void DurableRecords::write(const broker::SubscriptionRemoved& record) {
  subscription_key(record.key, record.filter, key_);
  writer_.erase(Table::subscriptions, key_.view());
}

void DurableRecords::write(const broker::IncomingTaken& record) {
  key_.clear();
  incoming_key(record.key, record.packet_id, key_);
  writer_.put(Table::exchanges, key_.view(), {});
}

void DurableRecords::write(const broker::IncomingReleased& record) {
  incoming_key(record.key, record.packet_id, key_);
  writer_.erase(Table::exchanges, key_.view());
}

void DurableRecords::write(const broker::OutgoingChanged& record) {
  outgoing_key(record.key, record.position, key_);
  if (record.state == broker::ExchangeState::forgotten) return writer_.erase(Table::exchanges, key_.view());
  value_.number16(record.packet_id);
  value_.number8(static_cast<std::uint8_t>(record.state));
  writer_.put(Table::exchanges, key_.view(), value_.view());
}

void DurableRecords::write(const broker::WillChanged& record) {
  const ByteView client_id = as_bytes(record.client_id);
  if (!record.message) return writer_.erase(Table::wills, client_id);
  encode(record, clock_.now(), value_);
  writer_.put(Table::wills, client_id, value_.view());
}

}  // namespace martlet::server
