// What the owner of a reactor is told. All calls come from the reactor's thread, from inside wait_and_dispatch() or
// flush(), never from inside a call that the owner makes. Every function of the reactor may be called back from here,
// except those two.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "net/connection_id.h"

namespace martlet::net {

enum class CloseReason : std::uint8_t {
  peer_closed,     // the end of the stream; what is in the outbox is still sent, without the owner
  io_error,        // `system_code` says which
  connect_failed,  // no address could be reached; `system_code` is the last one's
  layer_failed,    // what the peer sent breaks a layer's rules; Reactor::last_failure() says which
};

enum class RefuseReason : std::uint8_t {
  too_many_connections,  // ReactorOptions::max_connections: accepted and closed at once
  out_of_descriptors,    // the process or system limit: accepted and closed at once, or left waiting while the listener
                         // rests
  system_error,          // accept() or the poller failed; the listener rests (accept_rest_ms)
};

class ReactorHandler {
 public:
  virtual ~ReactorHandler() = default;

  // A new connection; `peer_address` ("192.0.2.1:50123") dies on return.
  virtual void accepted(ConnectionId id, ListenerId listener, std::string_view peer_address) = 0;
  // A PROXY header told another address of the peer than accepted() did, before any layer above it has got a byte; for
  // `peer_address` the same holds. False: the connection is dropped, without a closed(). Not to be closed or released
  // from in here.
  virtual bool located(ConnectionId id, std::string_view peer_address) {
    (void)id, (void)peer_address;
    return true;
  }
  // A connection started by connect() is up.
  virtual void connected(ConnectionId id) = 0;
  // Bytes, at least one; the view into the shared buffer dies on return. Of a layered connection what its layers give.
  virtual void received(ConnectionId id, ByteView bytes) = 0;
  // The outbox had been above the high-water mark and has fallen to the low one.
  virtual void drained(ConnectionId id) = 0;
  // The connection is gone and `id` is stale already. Exactly once for each that the owner did not close itself.
  virtual void closed(ConnectionId id, CloseReason reason, int system_code) = 0;
  // Somebody was turned away at the door.
  virtual void refused(ListenerId listener, RefuseReason reason) = 0;
  // A handle given to watch_external() is readable.
  virtual void external_ready(std::uint32_t token) = 0;

  // The reactor is about to wait. False if work has come meanwhile: then it only polls. Here an owner that other
  // threads give work to says that it sleeps, then looks once more at what they have given; whoever gives it work and
  // finds it asleep calls Reactor::wake(). Not called in a turn that does not wait anyway.
  virtual bool before_wait() { return true; }
  // The wait is over, before the first event is told. After each before_wait(), whatever that returned.
  virtual void after_wait() {}
};

}  // namespace martlet::net
