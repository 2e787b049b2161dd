// The figures of `martlet store stats`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/store_tool/survey.h"
#include "store/rocksdb/open.h"

namespace martlet::server {

// As text for people. `top`: how many of the sessions that are owed something are listed, those that are owed most
// first.
std::string report_text(const Survey& survey, const std::vector<store::StoreFile>& files, std::uint64_t top);
// One JSON object on a line.
std::string report_json(const Survey& survey, const std::vector<store::StoreFile>& files, std::uint64_t top);

// "12.3 MiB".
std::string size_text(std::uint64_t bytes);

}  // namespace martlet::server
