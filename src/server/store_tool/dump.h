// What a store holds, a line for each record and pair.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "store/backend.h"

namespace martlet::server {

struct DumpOptions {
  bool json = false;
  bool full = false;                   // long values are not cut
  std::optional<std::string> table;    // only this one; "log" for the log
  store::Position from = 0;            // of the log
  std::optional<std::uint64_t> count;  // lines at most
};

// `line`, with its line feed, is shown; false ends the dump. `damage` gets one line for each thing that cannot be read
// or decoded; the dump goes on behind it.
void dump(const store::Reader& store, const DumpOptions& options, const std::function<bool(std::string_view)>& line,
          const std::function<void(const std::string&)>& damage);

}  // namespace martlet::server
