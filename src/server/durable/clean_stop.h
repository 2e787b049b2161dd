// What is owed to whom, written down at a clean stop so that the next start need not read the log for it. Owned by
// nobody: functions on a store and its brokers, while no other thread uses them.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "broker/broker.h"
#include "store/store.h"

namespace martlet::server {

// Behind the last event of each of the store's brokers, and before the last submit() of its writer 0, which it uses; it
// submits the others. Whatever is appended later makes the notes void.
void write_clean_stop(store::Store& store, std::span<broker::Broker* const> brokers);

// How a start found the notes of the stop before it.
struct CleanStop {
  bool found = false;
  std::uint64_t deliveries = 0;
};

// Gives receive(RestoredDelivery) each delivery of the notes, session by session, if the last stop left them; in any
// case they are erased, by writer 0, since they end with the first change: its batch has to be the first. An Error when
// they cannot be read.
Result<CleanStop> take_clean_stop(store::Store& store, const broker::Broker::OwedVisitor& receive);

}  // namespace martlet::server
