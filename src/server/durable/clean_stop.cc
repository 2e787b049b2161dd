#include "server/durable/clean_stop.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "server/durable/byte_writer.h"

namespace martlet::server {

using session::LoggedDelivery;
using store::Table;

namespace {

constexpr std::uint8_t kLayout = 1;
// In `meta`: the end of the log at the stop, and the notes of one session, in parts.
constexpr std::string_view kStopKey = "clean_stop";
constexpr std::string_view kNotePrefix = "owed:";
constexpr std::size_t kPartBytes = 1u << 20;

constexpr std::uint8_t kRetainBit = 4;
constexpr std::uint8_t kShareBit = 8;
constexpr std::uint8_t kIdentifierBit = 16;

bool alike(const LoggedDelivery& a, const LoggedDelivery& b) {
  return a.origin == b.origin && a.identifier == b.identifier && a.qos == b.qos && a.retain == b.retain;
}

// Writes the notes of all sessions: runs of neighbours that are alike, each named by its distance from the one before.
class Notes {
 public:
  explicit Notes(store::Writer& writer) : writer_(writer) {}

  void add(const broker::RestoredDelivery& owed) {
    const LoggedDelivery& delivery = owed.logged;
    if (owed.key != key_) {
      finish();
      key_ = owed.key;
      part_ = 0;
      footprint_bytes_ = owed.footprint_bytes;
    }
    if (count_ > 0 && delivery.position == run_.position + count_ && alike(run_, delivery)) {
      ++count_;
      return;
    }
    end_run();
    run_ = delivery;
    share_ = owed.share;
    count_ = 1;
  }

  void finish() {
    end_run();
    end_part();
  }

 private:
  void end_run() {
    if (count_ == 0) return;
    std::uint8_t flags = static_cast<std::uint8_t>(run_.qos);
    if (run_.retain) flags |= kRetainBit;
    if (!share_.empty()) flags |= kShareBit;
    if (run_.identifier != 0) flags |= kIdentifierBit;
    if (value_.view().empty()) {
      value_.number8(kLayout);
      value_.varint(footprint_bytes_);
      last_ = 0;
    }
    value_.varint(run_.position - last_);
    value_.varint(count_);
    value_.number8(flags);
    if (!share_.empty()) value_.bytes(as_bytes(share_));
    if (run_.identifier != 0) value_.varint(run_.identifier);
    last_ = run_.position + count_;
    count_ = 0;
    if (value_.view().size() >= kPartBytes) end_part();
  }

  void end_part() {
    if (value_.view().empty()) return;
    ByteWriter name;
    name.raw(as_bytes(kNotePrefix));
    name.number64(key_);
    name.number32(part_++);
    writer_.put(Table::meta, name.view(), value_.view());
    value_.clear();
  }

  store::Writer& writer_;
  ByteWriter value_;
  std::uint64_t key_ = 0;
  std::uint32_t part_ = 0;
  std::size_t footprint_bytes_ = 0;
  LoggedDelivery run_;
  std::string share_;
  std::uint64_t count_ = 0;
  std::uint64_t last_ = 0;  // behind the run before
};

// Reads the notes of all sessions, one after the other.
class NoteReader {
 public:
  // All positions are below `end`, those of a session rise.
  explicit NoteReader(std::uint64_t end) : end_(end) {}

  // False if the note is not sound: then a part of it may have been told to receive(const RestoredDelivery&).
  template <class Receive>
  bool read(ByteView name, ByteView value, Receive&& receive) {
    ByteReader key(name.subspan(kNotePrefix.size()));
    ByteReader from(value);
    if (from.number8() != kLayout) return false;
    broker::RestoredDelivery restored;
    restored.key = key.number64();
    restored.footprint_bytes = from.varint();
    if (restored.key != key_) next_ = 0;
    key_ = restored.key;
    std::uint64_t position = 0;
    while (!from.empty()) {
      position += from.varint();
      const std::uint64_t count = from.varint();
      const std::uint8_t flags = from.number8();
      restored.share = flags & kShareBit ? as_text(from.bytes()) : std::string_view();
      restored.logged.identifier = flags & kIdentifierBit ? static_cast<std::uint32_t>(from.varint()) : 0;
      restored.logged.qos = static_cast<wire::QoS>(flags & 3);
      restored.logged.retain = (flags & kRetainBit) != 0;
      const bool in_order = position >= next_ && position <= end_ && count <= end_ - position;
      if (!from.ok() || !in_order || restored.logged.qos > wire::QoS::exactly_once) return false;
      for (std::uint64_t i = 0; i < count; ++i) {
        restored.logged.position = position++;
        receive(restored);
      }
      next_ = position;
    }
    return key.ok();
  }

 private:
  const std::uint64_t end_;
  std::uint64_t key_ = 0;
  std::uint64_t next_ = 0;  // behind what was read of the session
};

}  // namespace

void write_clean_stop(store::Store& store, std::span<broker::Broker* const> brokers) {
  for (std::uint32_t i = 1; i < store.writers(); ++i) store.writer(i).submit();
  Notes notes(store.writer());
  for (const broker::Broker* broker : brokers) {
    broker->visit_owed([&](const broker::RestoredDelivery& owed) { notes.add(owed); });
  }
  notes.finish();
  ByteWriter end;
  end.number64(store.appended_end());
  store.writer().put(Table::meta, as_bytes(kStopKey), end.view());
}

Result<CleanStop> take_clean_stop(store::Store& store, const broker::Broker::OwedVisitor& receive) {
  CleanStop stop;
  std::string stopped_at;
  const auto found = store.reader().get(Table::meta, as_bytes(kStopKey), stopped_at);
  if (!found) return tl::unexpected(found.error());
  const store::Position end = store.reader().end();
  if (*found && stopped_at.size() == 8) {
    // A trim with the stop may have moved the end of an empty log.
    stop.found = std::max(ByteReader(as_bytes(stopped_at)).number64(), store.reader().first()) == end;
  }
  std::vector<std::string> names;
  bool sound = true;
  const auto each = [&](auto&& visit) { return store.reader().scan(Table::meta, as_bytes(kNotePrefix), visit); };
  // All of them first: what a part of them tells would be told again by the log.
  NoteReader check(end);
  const auto scanned = each([&](ByteView name, ByteView value) {
    names.emplace_back(as_text(name));
    if (stop.found)
      sound = sound && check.read(name, value, [&](const broker::RestoredDelivery&) { ++stop.deliveries; });
    return true;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  if (*found) store.writer().erase(Table::meta, as_bytes(kStopKey));
  for (const std::string& name : names) store.writer().erase(Table::meta, as_bytes(name));
  if (!sound) return fail("the store's notes of its last clean stop have an unknown form");
  if (!stop.found) return stop;
  NoteReader notes(end);
  const auto told = each([&](ByteView name, ByteView value) { return notes.read(name, value, receive); });
  if (!told) return tl::unexpected(told.error());
  return stop;
}

}  // namespace martlet::server
