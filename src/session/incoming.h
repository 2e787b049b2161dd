// The receiving half of a session: QoS 2 identifiers that came and were not released. It outlives the connection [4.1].
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ticket.h"

namespace martlet::session {

class Incoming {
 public:
  struct Entry {
    std::uint16_t packet_id;
    bool in_window;  // counts against the receive maximum of the present connection
    Ticket stored;   // the PUBREC may leave once the message is durable
  };

  // The entry of `packet_id`, or nullptr: then a PUBLISH with it is a new message [MQTT-4.3.3-12].
  Entry* find(std::uint16_t packet_id);
  // `packet_id` is not known yet.
  void begin(std::uint16_t packet_id, Ticket stored);
  // Forgets it; false when it was not known.
  bool release(std::uint16_t packet_id);
  void clear() { entries_.clear(); }
  // A new connection: nothing counts against its window yet.
  void restart();
  std::size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry> entries_;  // sorted by identifier
};

}  // namespace martlet::session
