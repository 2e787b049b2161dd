#include "server/cores/core_link.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace martlet::server {
namespace {

// In the rings to one core: with many cores each is shorter.
constexpr std::size_t kRingNotes = 16'384;
constexpr std::size_t kLongestRing = 4096;
constexpr std::size_t kShortestRing = 256;
// What the messages in these rings may hold; one may be larger.
constexpr std::uint64_t kMostRingBytes = 64u << 20;
constexpr std::uint64_t kLeastRingBytes = 1u << 20;
// With so much that found no room, clients are not read until there is.
constexpr std::size_t kMostBacklogNotes = 16'384;
constexpr std::uint64_t kMostBacklogBytes = 16u << 20;

std::size_t ring_notes(std::uint32_t cores) {
  return std::clamp(std::bit_floor(kRingNotes / cores), kShortestRing, kLongestRing);
}

std::uint64_t ring_bytes(std::uint32_t cores) {
  return std::max(kMostRingBytes / cores, kLeastRingBytes);
}

// Both ends of a ring count alike.
std::uint64_t bytes_of(const CoreNote& note) {
  return note.message.message ? note.message.message->footprint_bytes() : 0;
}

}  // namespace

Switchboard::Switchboard(std::uint32_t cores) : cores_(cores), seats_(cores), taken_(std::size_t{cores} * cores) {
  for (std::uint32_t i = 0; i < cores * cores; ++i) {
    // Nobody speaks to itself.
    rings_.push_back(i % (cores + 1) == 0 ? nullptr : std::make_unique<SpscRing<CoreNote>>(ring_notes(cores)));
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
  peers_[core].to_say_bytes += bytes_of(note);
  peers_[core].to_say.push_back(std::move(note));
  unsaid_ = true;
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

// No more of a ring than it has room for, so that a core's own clients have their share.
bool CoreLink::listen(Listener& listener) {
  bool any = false;
  for (std::uint32_t from = 0; from < cores(); ++from) {
    if (from == core_) continue;
    SpscRing<CoreNote>& ring = board_.ring(from, core_);
    std::uint64_t taken_bytes = 0;
    for (std::size_t i = ring_notes(cores()); i > 0; --i) {
      CoreNote* note = ring.front();
      if (!note || (note->kind == CoreNote::Kind::forwarded && !listener.takes_forwarded())) break;
      any = true;
      taken_bytes += bytes_of(*note);
      take(from, *note, listener);
      ring.pop();
    }
    if (taken_bytes != 0) board_.taken_bytes(from, core_).fetch_add(taken_bytes, std::memory_order_release);
  }
  return any;
}

void CoreLink::take(std::uint32_t from, CoreNote& note, Listener& listener) {
  if (note.kind == CoreNote::Kind::forwarded) {
    const Ticket ticket = listener.heard(note.message);
    if (note.message.position != 0) peers_[from].unrecorded.push_back({ticket});
  } else if (note.kind == CoreNote::Kind::recorded) {
    for (std::uint64_t done = 0; done < note.number; ++done) peers_[from].unconfirmed.pop_front();
  } else {
    listener.heard(note);
  }
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
  Peer& peer = peers_[to];
  if (peer.to_say.empty()) return;
  SpscRing<CoreNote>& ring = board_.ring(core_, to);
  const std::uint64_t taken_bytes = board_.taken_bytes(core_, to).load(std::memory_order_acquire);
  while (!peer.to_say.empty()) {
    const std::uint64_t bytes = bytes_of(peer.to_say.front());
    const std::uint64_t under_way_bytes = peer.said_bytes - taken_bytes;
    if (under_way_bytes != 0 && under_way_bytes + bytes > ring_bytes(cores())) break;
    if (!ring.push(peer.to_say.front())) break;
    peer.to_say.pop_front();
    peer.said_bytes += bytes;
    peer.to_say_bytes -= bytes;
  }
  ring.publish();
  backlog_notes_ += peer.to_say.size();
  backlog_bytes_ += peer.to_say_bytes;
  if (!peer.urgent) return;
  // What is left wakes it too: by then it may have emptied the ring, and sleep.
  peer.urgent = !peer.to_say.empty();
  // Either we see that it sleeps, or it sees what we said before it does.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  board_.wake(to);
}

void CoreLink::speak(std::uint64_t durable) {
  backlog_notes_ = 0;
  backlog_bytes_ = 0;
  for (std::uint32_t core = 0; core < cores(); ++core) {
    if (core == core_) continue;
    confirm(core, durable);
    say(core);
  }
  unsaid_ = false;
  congested_ = backlog_notes_ > kMostBacklogNotes || backlog_bytes_ > kMostBacklogBytes;
}

// A connection that is lost while outboxes are sent, behind speak(), has a will.
bool CoreLink::about_to_wait() {
  board_.seats_[core_].sleeps.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (std::uint32_t from = 0; from < cores(); ++from) {
    if (from != core_ && !board_.ring(from, core_).empty()) return false;
  }
  return !unsaid_;
}

bool CoreLink::is_idle() const {
  return std::all_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
    return peer.to_say.empty() && peer.unconfirmed.empty() && peer.unrecorded.empty();
  });
}

}  // namespace martlet::server
