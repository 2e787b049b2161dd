// The brokers' state from a store, at the start, before any other thread uses either.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "broker/broker.h"
#include "store/store.h"

namespace martlet::server {

struct RecoveryOptions {
  std::uint64_t client_seed = 0;  // client_seed()'s; tells where sessions go when there are several brokers
  bool skip_damaged = false;      // leave out what cannot be read, with a warning each, in place of refusing to start
  // Told now and then how many of the log's positions have been read, of how many.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

struct Recovered {
  std::uint64_t sessions = 0;
  std::uint64_t retained = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t log_records = 0;
};

// The secret that the hashes in stored messages were made with; made from `fresh` and recorded at the first start.
Result<std::uint64_t> client_seed(store::Store& store, std::uint64_t fresh);

// Reads all of it into `brokers`, at least one, which have had no event yet: each session, its will and what it is owed
// into that of its home core (broker/home_core.h), whatever the number of cores was before; retained messages into the
// first, which shares them with the others. What it writes is submitted by the store's writer 0. An Error names the
// damage and how to start all the same.
Result<Recovered> recover(store::Store& store, std::span<broker::Broker* const> brokers, const RecoveryOptions& options,
                          broker::Log& log, const Now& now);

}  // namespace martlet::server
