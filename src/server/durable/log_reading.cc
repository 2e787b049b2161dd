#include "server/durable/log_reading.h"

#include <fmt/format.h>

#include <string>

#include "server/durable/record_codec.h"

namespace martlet::server {

using session::Delivery;
using session::LoggedDelivery;
using store::Position;

namespace {

// Read at a time; and how many records that nobody wants are read through rather than jumped over.
constexpr std::size_t kMostBytes = 256u << 10;
constexpr std::uint64_t kScanThrough = 32;

class LogReadingRun {
 public:
  LogReadingRun(const store::Store& store, Position readable_below, const Now& now, std::uint64_t key,
                std::span<const LoggedDelivery> wanted, std::span<Delivery> to)
      : store_(store), readable_below_(readable_below), now_(now), key_(key), wanted_(wanted), to_(to) {}

  broker::LogReading run() {
    pass_trimmed();
    while (more() && bytes_ < kMostBytes) {
      if (!(is_alone() ? read_one() : read_neighbours())) break;
    }
    return std::move(reading_);
  }

 private:
  bool more() const { return reading_.done < wanted_.size() && next() < readable_below_; }
  Position next() const { return wanted_[reading_.done].position; }

  void pass_trimmed() {
    const Position first = store_.reader().first();
    while (more() && next() < first) lose_trimmed();
  }

  bool is_alone() const {
    const std::size_t behind = reading_.done + 1;
    return behind == wanted_.size() || wanted_[behind].position - next() >= kScanThrough;
  }

  // False when it cannot be read now.
  bool read_one() {
    const auto found = store_.reader().read(next(), record_);
    if (found && *found) {
      take(as_bytes(record_));
      return true;
    }
    if (mends()) return false;
    if (!found) {
      lose(found.error().message);
    } else if (next() < store_.reader().first()) {
      lose_trimmed();
    } else {
      lose_missing();
    }
    return true;
  }

  // Reads on as long as the next one is near. False when nothing can be read now.
  bool read_neighbours() {
    const std::size_t done_before = reading_.done;
    const store::ScanOutcome scanned =
        store_.reader().scan(next(), kMostBytes, [&](Position position, ByteView record) {
          while (more() && next() < position) lose_missing();
          if (more() && next() == position) take(record);
          return more() && bytes_ < kMostBytes && next() - position < kScanThrough;
        });
    if (scanned.error) {
      if (mends()) return false;
      while (more() && next() <= scanned.next) lose(scanned.error->message);
    } else if (reading_.done == done_before) {
      lose_missing();  // with nothing behind it
    }
    return reading_.done > done_before;
  }

  // While the store mends itself after an error of the disk, what cannot be read is not lost.
  bool mends() const { return store_.failing(); }

  void take(ByteView bytes) {
    const LoggedDelivery& wanted = wanted_[reading_.done];
    LogRecordReader record;
    if (!record.begin(bytes)) return lose(fmt::format("the log's record {} has an unknown form", wanted.position));
    Delivery& delivery = to_[reading_.done++];
    delivery = Delivery::from(wanted);
    delivery.message = make_message(record.message, now_);
    bytes_ += bytes.size();
    if (wanted.identifier != session::kManyIdentifiers) return;
    StoredOwed owed;
    while (record.next(owed)) {
      if (owed.session_key != key_) continue;
      delivery.identifiers = session::SubscriptionIdentifiers(owed.identifiers);
      break;
    }
  }

  void lose_trimmed() { lose(fmt::format("the log's record {} was trimmed", next())); }
  void lose_missing() { lose(fmt::format("the log's record {} is missing", next())); }
  void lose(std::string damage) {
    if (reading_.damage.empty()) reading_.damage = std::move(damage);
    to_[reading_.done] = Delivery::from(wanted_[reading_.done]);
    ++reading_.done;
  }

  const store::Store& store_;
  const Position readable_below_;
  const Now& now_;
  const std::uint64_t key_;
  const std::span<const LoggedDelivery> wanted_;
  const std::span<Delivery> to_;
  broker::LogReading reading_;
  std::string record_;
  std::size_t bytes_ = 0;
};

}  // namespace

broker::LogReading read_log(const store::Store& store, Position readable_below, const Now& now, std::uint64_t key,
                            std::span<const LoggedDelivery> wanted, std::span<Delivery> to) {
  return LogReadingRun(store, readable_below, now, key, wanted, to).run();
}

std::int64_t received_wall_ms(const store::Reader& reader, Position position) {
  std::int64_t received = 0;
  for (Position at = position; received == 0 && at < reader.end();) {
    const store::ScanOutcome scanned = reader.scan(at, 1, [&](Position, ByteView bytes) {
      LogRecordReader record;
      if (record.begin(bytes)) received = record.message.received_wall_ms;
      return false;
    });
    at = scanned.error ? scanned.next + 1 : scanned.next;
  }
  return received;
}

}  // namespace martlet::server
