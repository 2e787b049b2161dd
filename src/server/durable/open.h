// The data directory of a broker process: the store in it, and each core's sink on the store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "server/config/server_config.h"
#include "server/durable/durable_records.h"
#include "store/store.h"

namespace martlet::server {

struct DataDirectory {
  std::unique_ptr<store::Store> store;
  std::vector<std::unique_ptr<DurableRecords>> records;  // by core
  // The damage from which on the write-ahead log was dropped, with skip_damaged or where no topic has
  // Durability::fsync.
  std::optional<std::string> left_out;
};

// Opens or creates config.data_dir, which is not kNoData, for `cores` cores. `notify` is called from another thread,
// with the core, whenever something of it became durable. An Error says what to do: another process has it, it holds
// something else, its format is newer, it is damaged.
Result<DataDirectory> open_data_directory(const ServerConfig& config, std::uint32_t cores, env::Clock& clock,
                                          std::function<void(std::uint32_t core)> notify);

}  // namespace martlet::server
