#include "server/config/places.h"

#include <fmt/format.h>

namespace martlet::server {
namespace {

std::string name_of(TableId table, std::string_view key) {
  return fmt::format("{}[{}]{}{}", table.array, table.index, key.empty() ? "" : ".", key);
}

}  // namespace

std::string place_before(const ServerConfig& config, TableId table, std::string_view key) {
  const std::string text = place_before(config, name_of(table, key));
  return text.empty() && !key.empty() ? place_before(config, name_of(table, "")) : text;
}

std::string place_before(const ServerConfig& config, std::string_view option) {
  const auto found = config.places.find(option);
  return found == config.places.end() ? std::string() : found->second + ": ";
}

bool is_set(const ServerConfig& config, TableId table, std::string_view key) {
  return config.places.contains(name_of(table, key));
}

}  // namespace martlet::server
