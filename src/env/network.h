// TCP and Unix sockets and the poller that waits for them. One instance per core, used by that core's thread only;
// wake() is the exception. All sockets are non-blocking, without Nagle's delay, and never raise SIGPIPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/endpoint.h"
#include "env/handle.h"

namespace martlet::env {

struct ListenOptions {
  bool reuse_port = false;         // several listeners, one per core, share the port; of no effect on Unix sockets
  int backlog = 4096;              // the system may cap it
  std::uint32_t unix_mode = 0660;  // permissions of a Unix socket's file
  // A socket that somebody else opened, bound and listens with (the service manager); -1: none. A duplicate of it is
  // used, so several networks may listen with the same one: a connection is whoever's takes it first.
  int inherited_descriptor = -1;
  std::string interface = {};  // of IP sockets: only connections that arrive at this device; empty: at any
};

enum class AcceptStatus : std::uint8_t {
  accepted,
  would_block,         // nobody waits
  aborted,             // that one gave up before it was accepted: go on with the next
  out_of_descriptors,  // process or system limit: the connection still waits
  failed,              // the listener itself is in trouble
};

struct Accepted {
  AcceptStatus status = AcceptStatus::would_block;
  Handle handle = Handle::none;
  // "192.0.2.1:50123", "[2001:db8::1]:50123" or "unix:uid=1000,pid=77"; empty unless accepted.
  std::string peer_address;
  int system_code = 0;
};

struct Interest {
  bool read = false;
  bool write = false;
  // Only where Network::streams(): what comes is told as bytes in the events, without a read(). For a connected socket
  // that is not unwatched any more, only closed.
  bool stream = false;

  bool operator==(const Interest&) const = default;
};

struct Event {
  std::uint64_t token = 0;  // as given to watch() or change()
  bool readable = false;    // bytes, the end of the stream, or a waiting connection
  bool writable = false;
  bool hangup = false;  // dead both ways or in error; told whatever the interest
  // Of a streamed socket, with all else false: what has come, until the next wait(). There may be several such events
  // of one socket. Its end or an error is told as readable.
  ByteView bytes{};
};

// One socket's part of write_all().
struct Sending {
  Handle handle = Handle::none;
  std::span<const ByteView> views;  // as for write()
  IoOutcome outcome;                // filled in
};

// The most views that one write() takes.
inline constexpr std::size_t kMaxWriteViews = 64;

class Network {
 public:
  virtual ~Network() = default;

  // Numeric endpoints for a host name, best first; a numeric one comes back as it is. May block on the name service.
  virtual Result<std::vector<Endpoint>> resolve(const Endpoint& endpoint) = 0;

  // Opens a listener on one address (a name's first one, IPv4 preferred). Port 0 lets the system choose. A Unix
  // socket's file that a process left behind is replaced; it goes with the listener. It cannot be shared as a port
  // can: one core listens, and the connections move on from there. An inherited descriptor stands for any `endpoint`.
  virtual Result<Handle> listen(const Endpoint& endpoint, const ListenOptions& options) = 0;
  // Where a socket or listener is bound.
  virtual Result<Endpoint> local_endpoint(Handle handle) = 0;
  // Takes one waiting connection.
  virtual Accepted accept(Handle listener) = 0;
  // After out_of_descriptors: spends a reserved descriptor to accept one waiting connection and close it at once, so
  // that its peer learns of it. False when nobody waits or no reserve is left.
  virtual bool shed(Handle listener) = 0;

  // Starts to connect to a numeric endpoint (a name's first address). The handle turns writable when that has been
  // decided; connect_error() then tells how. An Error only if it failed at once.
  virtual Result<Handle> connect(const Endpoint& endpoint) = 0;
  // Takes the socket's pending error: 0 or an errno.
  virtual int connect_error(Handle handle) = 0;

  virtual IoOutcome read(Handle handle, std::span<std::uint8_t> room) = 0;
  // Writes the first bytes of up to kMaxWriteViews non-empty views as one call; may take only a part. After `failed`,
  // what the peer had sent before can still be read, up to `closed` or `failed`.
  virtual IoOutcome write(Handle handle, std::span<const ByteView> views) = 0;
  // write() for each, in any order, at the price of one system call where the system allows.
  virtual void write_all(std::span<Sending> sendings) {
    for (Sending& sending : sendings) sending.outcome = write(sending.handle, sending.views);
  }
  // Tells the peer that nothing more comes; reading goes on.
  virtual void shutdown_write(Handle handle) = 0;
  // Closes and forgets the handle, watched or not.
  virtual void close(Handle handle) = 0;

  // Reports `interest` in `handle` as events with `token`, as long as the condition lasts (level-triggered).
  // Also takes standard streams; a regular file is always ready.
  virtual Result<void> watch(Handle handle, Interest interest, std::uint64_t token) = 0;
  virtual void change(Handle handle, Interest interest, std::uint64_t token) = 0;
  // No event of it comes after this. Then another thread's Network may watch and use a socket instead.
  virtual void unwatch(Handle handle) = 0;

  // True if Interest::stream is honoured, and write_all() is cheaper than its parts.
  virtual bool streams() const { return false; }

  // Waits until an event, wake() or `timeout_ms` (negative: for ever). Returns how many of `events` were filled, which
  // may be 0 before the time is up.
  virtual std::size_t wait(std::int64_t timeout_ms, std::span<Event> events) = 0;
  // Ends the current wait, or the next one if none is under way. Any thread.
  virtual void wake() = 0;
};

}  // namespace martlet::env
