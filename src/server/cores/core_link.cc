#include "server/cores/core_link.h"

#include <algorithm>
#include <utility>

namespace martlet::server {
namespace {

constexpr std::size_t kRingNotes = 4096;
// Of each other core in a turn, so that a core's own clients have their share.
constexpr std::size_t kNotesPerTurn = 4096;
// With so many that found no room, clients are not read until there is.
constexpr std::size_t kMostBacklog = 16'384;

}  // namespace

Switchboard::Switchboard(std::uint32_t cores) : cores_(cores), seats_(cores) {
  for (std::uint32_t i = 0; i < cores * cores; ++i) {
    // Nobody speaks to itself.
    rings_.push_back(i % (cores + 1) == 0 ? nullptr : std::make_unique<SpscRing<CoreNote>>(kRingNotes));
  }
}

void Switchboard::wake(std::uint32_t core) {
  Seat& seat = seats_[core];
  if (seat.sleeps.load(std::memory_order_relaxed) && seat.sleeps.exchange(false)) seat.wake();
}

CoreLink::CoreLink(Switchboard& board, std::uint32_t core) : board_(board), core_(core), peers_(board.cores()) {}

void CoreLink::forward(std::uint32_t core, broker::Forwarded forwarded) {
  if (forwarded.position != 0) peers_[core].unconfirmed.push_back(forwarded.position);
  CoreNote note;
  note.message = std::move(forwarded);
  send(core, std::move(note));
}

void CoreLink::tell_connected(std::uint32_t core, std::uint32_t group) {
  CoreNote note;
  note.kind = CoreNote::Kind::group_connected;
  note.number = group;
  send(core, std::move(note));
}

void CoreLink::move(std::uint32_t core, std::unique_ptr<MovedConnection> connection) {
  CoreNote note;
  note.kind = CoreNote::Kind::connection;
  note.connection = std::move(connection);
  send(core, std::move(note));
}

void CoreLink::send(std::uint32_t core, CoreNote note) {
  // What is recorded only lets the log be trimmed some time.
  peers_[core].urgent |= note.kind != CoreNote::Kind::recorded;
  peers_[core].to_say.push_back(std::move(note));
}

void CoreLink::send_all(CoreNote::Kind kind) {
  for (std::uint32_t core = 0; core < cores(); ++core) {
    if (core == core_) continue;
    CoreNote note;
    note.kind = kind;
    send(core, std::move(note));
  }
}

// Each list rises: what was forwarded first is confirmed first.
std::uint64_t CoreLink::lowest_unconfirmed() const {
  std::uint64_t lowest = ~std::uint64_t{0};
  for (const Peer& peer : peers_) {
    if (!peer.unconfirmed.empty()) lowest = std::min(lowest, peer.unconfirmed[0]);
  }
  return lowest;
}

bool CoreLink::listen(Listener& listener) {
  bool any = false;
  for (std::uint32_t from = 0; from < cores(); ++from) {
    if (from == core_) continue;
    SpscRing<CoreNote>& ring = board_.ring(from, core_);
    for (std::size_t i = 0; i < kNotesPerTurn; ++i) {
      CoreNote* note = ring.front();
      if (!note) break;
      any = true;
      if (note->kind == CoreNote::Kind::forwarded) {
        const Ticket ticket = listener.heard(note->message);
        if (note->message.position != 0) peers_[from].unrecorded.push_back({ticket});
      } else if (note->kind == CoreNote::Kind::recorded) {
        for (std::uint64_t done = 0; done < note->number; ++done) peers_[from].unconfirmed.pop_front();
      } else {
        listener.heard(*note);
      }
      ring.pop();
    }
  }
  return any;
}

void CoreLink::confirm(std::uint32_t peer, std::uint64_t durable) {
  RingQueue<Unrecorded>& unrecorded = peers_[peer].unrecorded;
  CoreNote note;
  note.kind = CoreNote::Kind::recorded;
  while (!unrecorded.empty() && unrecorded.front().ticket.resolved(durable)) {
    unrecorded.pop_front();
    ++note.number;
  }
  if (note.number != 0) send(peer, std::move(note));
}

void CoreLink::say(std::uint32_t to) {
  std::deque<CoreNote>& to_say = peers_[to].to_say;
  if (to_say.empty()) return;
  SpscRing<CoreNote>& ring = board_.ring(core_, to);
  while (!to_say.empty() && ring.push(to_say.front())) to_say.pop_front();
  ring.publish();
  backlog_ += to_say.size();
  if (!std::exchange(peers_[to].urgent, false)) return;
  // Either we see that it sleeps, or it sees what we said before it does.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  board_.wake(to);
}

void CoreLink::speak(std::uint64_t durable) {
  backlog_ = 0;
  for (std::uint32_t core = 0; core < cores(); ++core) {
    if (core == core_) continue;
    confirm(core, durable);
    say(core);
  }
  congested_ = backlog_ > kMostBacklog;
}

bool CoreLink::about_to_wait() {
  board_.seats_[core_].sleeps.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (std::uint32_t from = 0; from < cores(); ++from) {
    if (from != core_ && !board_.ring(from, core_).empty()) return false;
  }
  return true;
}

bool CoreLink::is_idle() const {
  return std::all_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
    return peer.to_say.empty() && peer.unconfirmed.empty() && peer.unrecorded.empty();
  });
}

}  // namespace martlet::server
