#include "store/writer.h"

#include <utility>

#include "base/check.h"

namespace martlet::store {

Writer::Writer(Committer& committer, Positions& positions, std::uint32_t index, const Reader& log)
    : committer_(committer), positions_(positions), index_(index), appended_end_(log.end()), needed_from_(log.first()) {
  take_chunk();
}

void Writer::take_chunk() {
  chunk_ = positions_.take();
  next_ = chunk_;
}

void Writer::skip_to(Position position) {
  check(last_append_ == 0, "positions are skipped before the first append");
  if (next_ >= position) return;
  positions_.skip_to(position);
  take_chunk();
}

Position Writer::append(ByteView record) {
  const Position position = next_++;
  if (position == chunk_) positions_.used(chunk_);
  open_.append(position, record);
  last_append_ = submitted_ + 1;
  appended_end_ = next_;
  if (next_ == chunk_ + kChunk) take_chunk();
  return position;
}

void Writer::put(Table table, ByteView key, ByteView value) {
  check(!key.empty(), "a key is not empty");
  open_.put(table, key, value);
}

void Writer::erase(Table table, ByteView key) {
  open_.erase(table, key);
}

void Writer::put_shared(Table table, ByteView key, ByteView value) {
  if (committer_.writers() == 1) return put(table, key, value);
  check(!key.empty(), "a key is not empty");
  committer_.share([&](Batch& batch) { batch.put(table, key, value); });
  shared_ = true;
}

void Writer::erase_shared(Table table, ByteView key) {
  if (committer_.writers() == 1) return erase(table, key);
  committer_.share([&](Batch& batch) { batch.erase(table, key); });
  shared_ = true;
}

void Writer::trim(Position below) {
  check(below <= next_, "a writer needs what it appends");
  if (below <= needed_from_) return;
  needed_from_ = below;
  needs_from_ = below;
}

Ticket Writer::ticket(Durability level, std::uint32_t messages) {
  check(messages == 0 || has_operations(), "a message that is acknowledged was recorded");
  switch (level) {
    case Durability::memory:
      promises_.free_at_once += messages;
      committer_.count_unsafe(messages);
      return Ticket::done();
    case Durability::interval:
      promises_.free_when_written += messages;
      break;
    case Durability::fsync:
      // An empty batch takes the wish to what was submitted without it.
      promises_.sync = promises_.sync || has_operations() || sync_asked_ != submitted_;
      break;
  }
  const Ticket ticket = Ticket::at(nothing_open() ? submitted_ : submitted_ + 1);
  return ticket.resolved(resolved()) ? Ticket::done() : ticket;
}

void Writer::submit() {
  if (nothing_open()) return;
  ++submitted_;
  if (promises_.sync) sync_asked_ = submitted_;
  committer_.submit(index_, {std::exchange(open_, Batch()), std::exchange(promises_, Promises()),
                             std::exchange(needs_from_, 0), appended_end_});
  shared_ = false;
}

}  // namespace martlet::store
