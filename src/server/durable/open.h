// The data directory of a broker process: the store in it, and the sink on the store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "env/clock.h"
#include "server/config/server_config.h"
#include "server/durable/durable_records.h"
#include "store/store.h"

namespace martlet::server {

struct DataDirectory {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<DurableRecords> records;
  // The damage from which on the write-ahead log was dropped, with skip_damaged or where no topic has
  // Durability::fsync.
  std::optional<std::string> left_out;
};

// Opens or creates config.data_dir, which is not kNoData. `notify` is called from another thread whenever something
// became durable. An Error says what to do: another process has it, it holds something else, its format is newer, it is
// damaged.
Result<DataDirectory> open_data_directory(const ServerConfig& config, env::Clock& clock, std::function<void()> notify);

}  // namespace martlet::server
