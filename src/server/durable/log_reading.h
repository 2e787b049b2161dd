// Reads what waits for one session back from the store's log. Core thread.
#pragma once

#include <cstdint>
#include <span>

#include "broker/ports.h"
#include "session/delivery.h"
#include "store/store.h"

namespace martlet::server {

// As broker::RecordSink::read(). From `readable_below` on, see store::Writer, what is wanted is not on the disk yet.
broker::LogReading read_log(const store::Store& store, store::Position readable_below, const Now& now,
                            std::uint64_t key, std::span<const session::LoggedDelivery> wanted,
                            std::span<session::Delivery> to);

// When the message at `position` was received, or the first behind it that can be read; 0 if there is none.
std::int64_t received_wall_ms(const store::Reader& reader, store::Position position);

}  // namespace martlet::server
