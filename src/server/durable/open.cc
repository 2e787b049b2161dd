#include "server/durable/open.h"

#include <utility>

#include "store/rocksdb/open.h"

namespace martlet::server {

Result<DataDirectory> open_data_directory(const ServerConfig& config, std::uint32_t cores, env::Clock& clock,
                                          std::function<void(std::uint32_t core)> notify) {
  store::RocksdbOptions options;
  options.path = config.data_dir;
  options.drop_damaged_end = config.skip_damaged;
  options.unsynced_end = broker::surest_level(config.broker.durability) != Durability::fsync;
  DataDirectory directory;
  const bool may_leave_out = options.drop_damaged_end || options.unsynced_end;
  if (may_leave_out) directory.left_out = store::damaged_end(options);
  auto backend = store::open_rocksdb(options);
  if (!backend) {
    Error error = backend.error();
    if (config.data_dir_is_default) {
      error.message += ". Name another directory with --data DIR (server.data_dir), or keep nothing with --data none";
    }
    if (!may_leave_out && store::damaged_end(options)) {
      error.message += ". To start without the damage and all behind it: --set store.skip_damaged=true";
    }
    return tl::unexpected(std::move(error));
  }
  store::Committer::Options commit;
  commit.sync_interval_ms = config.broker.durability.sync_interval_ms;
  commit.notify = std::move(notify);
  directory.store = store::Store::start(std::move(*backend), std::move(commit), cores);
  for (std::uint32_t core = 0; core < cores; ++core) {
    directory.records.push_back(std::make_unique<DurableRecords>(*directory.store, directory.store->writer(core), clock,
                                                                 broker::surest_level(config.broker.durability)));
  }
  return directory;
}

}  // namespace martlet::server
