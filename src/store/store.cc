#include "store/store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace martlet::store {

Store::Store(std::unique_ptr<Backend> backend, Committer::Options options)
    : backend_(std::move(backend)),
      committer_(std::make_unique<Committer>(*backend_, std::move(options))),
      next_(backend_->end()),
      first_(backend_->first()) {}

std::unique_ptr<Store> Store::start(std::unique_ptr<Backend> backend, Committer::Options options) {
  std::unique_ptr<Store> store = stepped(std::move(backend), std::move(options));
  store->committer_->start();
  return store;
}

std::unique_ptr<Store> Store::stepped(std::unique_ptr<Backend> backend, Committer::Options options) {
  return std::unique_ptr<Store>(new Store(std::move(backend), std::move(options)));
}

Store::~Store() {
  (void)close();
}

Position Store::append(ByteView record) {
  open_.append(next_, record);
  return next_++;
}

void Store::put(Table table, ByteView key, ByteView value) {
  check(!key.empty(), "a key is not empty");
  open_.put(table, key, value);
}

void Store::erase(Table table, ByteView key) {
  open_.erase(table, key);
}

void Store::trim(Position below) {
  check(below <= next_, "only what was appended is trimmed");
  if (below <= first_) return;
  first_ = below;
  open_.trim(below);
}

Ticket Store::ticket(Durability level, std::uint32_t messages) {
  check(messages == 0 || !open_.empty(), "a message that is acknowledged was recorded");
  switch (level) {
    case Durability::memory:
      promises_.free_at_once += messages;
      committer_->count_unsafe(messages);
      return Ticket::done();
    case Durability::interval:
      promises_.free_when_written += messages;
      break;
    case Durability::fsync:
      // An empty batch takes the wish to what was submitted without it.
      promises_.sync = promises_.sync || !open_.empty() || sync_asked_ != submitted_;
      break;
  }
  const Ticket ticket = Ticket::at(nothing_open() ? submitted_ : submitted_ + 1);
  return ticket.resolved(resolved()) ? Ticket::done() : ticket;
}

void Store::submit() {
  if (nothing_open()) return;
  check(!closed_, "a closed store takes nothing");
  ++submitted_;
  if (promises_.sync) sync_asked_ = submitted_;
  committer_->submit(std::exchange(open_, Batch()), std::exchange(promises_, Promises()));
}

Result<void> Store::close() {
  if (std::exchange(closed_, true)) return {};
  Result<void> finished = committer_->finish();
  const Result<void> closed = backend_->close();
  return finished ? closed : finished;
}

}  // namespace martlet::store
