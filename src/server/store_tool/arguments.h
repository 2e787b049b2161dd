// The command line of `martlet store`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/command_line.h"
#include "store/types.h"

namespace martlet::server {

struct StoreArguments {
  enum class Action : std::uint8_t { check, dump, stats };
  Action action = Action::check;
  std::string directory;
  bool json = false;                   // dump, stats
  bool full = false;                   // dump: payloads are not cut
  std::optional<std::string> table;    // dump: "log" or a table's name; nothing: all
  store::Position from = 0;            // dump: of the log
  std::optional<std::uint64_t> count;  // dump: lines at most
  std::uint64_t top = 10;              // stats: sessions that are listed
};

using ParsedStoreArguments = ParsedCommand<StoreArguments>;

// `argv[0]` is the name that the help shows.
ParsedStoreArguments parse_store_arguments(int argc, char** argv);

}  // namespace martlet::server
