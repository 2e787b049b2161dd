// A TOML file as a flat list of what it sets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/config/option.h"

namespace martlet::server {

struct TomlEntry {
  // Inside an array of tables ([[listener]]): its name and which of its tables, from 0. Empty outside.
  std::string array;
  std::size_t table = 0;
  std::string name;  // dotted, below the array's table; empty: the heading of one of its tables
  WrittenValue value;
  std::size_t line = 0;
};

// All entries of `text`, sorted by line; of a table outside an array what it holds, or itself if it is empty. The error
// begins with `file_name` and the line.
Result<std::vector<TomlEntry>> read_toml(std::string_view text, std::string_view file_name);

}  // namespace martlet::server
