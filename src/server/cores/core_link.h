// What a core says to the others of its process, and hears from them: rings between each two, one wake-up a turn at
// most.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/peer_facts.h"
#include "base/ring_queue.h"
#include "base/spsc_ring.h"
#include "base/ticket.h"
#include "base/time.h"
#include "broker/neighbours.h"
#include "net/released_connection.h"
#include "server/admission/address_key.h"

namespace martlet::server {

// A connection on its way to the core where its client's session lives.
struct MovedConnection {
  net::ReleasedConnection socket;
  std::uint32_t listener = 0;
  std::string peer_address;
  std::shared_ptr<const PeerFacts> peer;
  AddressKey address = 0;           // whom admission counts it for
  std::vector<std::uint8_t> bytes;  // that it has sent so far
  Now accepted;
};

struct CoreNote {
  enum class Kind : std::uint8_t {
    forwarded,
    recorded,         // `number` more of the forwarded messages that the log keeps for the hearer are recorded
    group_connected,  // the group `number`
    connection,
    dump,  // what SIGUSR1 asks for
    stop,
  };
  Kind kind = Kind::forwarded;
  std::uint64_t number = 0;
  broker::Forwarded message;
  std::unique_ptr<MovedConnection> connection;
};

// The rings of all cores, and who sleeps.
class Switchboard {
 public:
  explicit Switchboard(std::uint32_t cores);
  // A ring holds unread notes: the sockets in them stay open.
  Switchboard(const Switchboard&) = delete;
  Switchboard& operator=(const Switchboard&) = delete;

  std::uint32_t cores() const { return cores_; }
  // Tells how core `core` is woken, from any thread; before it first says that it sleeps.
  void set_wake(std::uint32_t core, std::function<void()> wake) { seats_[core].wake = std::move(wake); }

 private:
  friend class CoreLink;
  struct alignas(64) Seat {
    std::atomic<bool> sleeps = false;
    std::function<void()> wake;
  };
  struct alignas(64) Taken {
    std::atomic<std::uint64_t> bytes = 0;
  };
  SpscRing<CoreNote>& ring(std::uint32_t from, std::uint32_t to) { return *rings_[from * cores_ + to]; }
  // Of the notes that were taken out of the ring.
  std::atomic<std::uint64_t>& taken_bytes(std::uint32_t from, std::uint32_t to) {
    return taken_[from * cores_ + to].bytes;
  }
  void wake(std::uint32_t core);

  const std::uint32_t cores_;
  std::atomic<std::uint32_t> last_wills_ = 0;  // cores that have said theirs
  std::atomic<std::uint32_t> goodbyes_ = 0;
  std::vector<Seat> seats_;
  std::vector<std::unique_ptr<SpscRing<CoreNote>>> rings_;
  std::vector<Taken> taken_;
};

// One core's end; its thread.
class CoreLink final : public broker::Neighbours {
 public:
  // Who acts on what the others say.
  class Listener {
   public:
    virtual ~Listener() = default;
    // As Broker::forwarded().
    virtual Ticket heard(const broker::Forwarded& forwarded) = 0;
    // False while there is enough to do with what was forwarded: more is left with those that say it.
    virtual bool takes_forwarded() const = 0;
    virtual void heard(CoreNote& note) = 0;
  };

  // `board` outlives it.
  CoreLink(Switchboard& board, std::uint32_t core);

  std::uint32_t core() const { return core_; }
  std::uint32_t cores() const { return board_.cores(); }

  // broker::Neighbours
  void forward(std::uint32_t core, broker::Forwarded forwarded) override;
  void tell_connected(std::uint32_t core, std::uint32_t group) override;
  std::uint64_t lowest_unconfirmed() const override;

  void send(std::uint32_t core, CoreNote note);
  void send_all(CoreNote::Kind kind);
  void move(std::uint32_t core, std::unique_ptr<MovedConnection> connection);

  // Hands what has come to `listener`; not all of it if it is much. True if there was anything.
  bool listen(Listener& listener);
  // The end of a turn, behind RecordSink::submit(): says what is to be said, with what is recorded up to `durable`,
  // and wakes who sleeps.
  void speak(std::uint64_t durable);

  // The thread is about to wait; false if something has come, or is to be said since speak(). woke() follows.
  bool about_to_wait();
  void woke() { board_.seats_[core_].sleeps.store(false, std::memory_order_relaxed); }
  // Something could not be said: a ring is full, or what is in it is large.
  bool has_backlog() const { return backlog_notes_ > 0; }
  // Behind speak(): the last wills of this core's clients have been said.
  void said_last_wills() { board_.last_wills_.fetch_add(1); }
  bool all_said_last_wills() const { return board_.last_wills_.load() == board_.cores(); }
  // This core has nothing more to say, but listens until all have said so.
  void say_goodbye() { board_.goodbyes_.fetch_add(1); }
  bool all_said_goodbye() const { return board_.goodbyes_.load() == board_.cores(); }
  // Nothing is on its way to another core, and nothing that came waits for the disk.
  bool is_idle() const;

 private:
  struct Unrecorded {
    Ticket ticket = Ticket::done();
  };
  struct Peer {
    std::deque<CoreNote> to_say;
    std::uint64_t to_say_bytes = 0;
    std::uint64_t said_bytes = 0;          // ever
    bool urgent = false;                   // worth waking it
    RingQueue<std::uint64_t> unconfirmed;  // positions of what was forwarded to it and is kept in the log
    RingQueue<Unrecorded> unrecorded;      // of what it forwarded to us and keeps in the log
  };
  void take(std::uint32_t from, CoreNote& note, Listener& listener);
  void confirm(std::uint32_t peer, std::uint64_t durable);
  void say(std::uint32_t peer);

  Switchboard& board_;
  const std::uint32_t core_;
  std::vector<Peer> peers_;
  bool unsaid_ = false;              // since speak()
  std::size_t backlog_notes_ = 0;    // that found no room, ...
  std::uint64_t backlog_bytes_ = 0;  // ... and what they hold
};

}  // namespace martlet::server
