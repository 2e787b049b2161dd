// What is owed to whom, written down at a clean stop so that the next start need not read the log for it. Owned by
// nobody: functions on a store and a broker, core thread.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "broker/broker.h"
#include "store/store.h"

namespace martlet::server {

// Behind the broker's last event and before the last submit(). Whatever is appended later makes it void.
void write_clean_stop(store::Store& store, const broker::Broker& broker);

// How a start found the notes of the stop before it.
struct CleanStop {
  bool found = false;
  std::uint64_t deliveries = 0;
};

// Gives receive(RestoredDelivery) each delivery of the notes, session by session, if the last stop left them; in any
// case they are erased, since they end with the first change. An Error when they cannot be read.
Result<CleanStop> take_clean_stop(store::Store& store, const broker::Broker::OwedVisitor& receive);

}  // namespace martlet::server
