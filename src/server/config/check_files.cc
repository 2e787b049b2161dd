#include "server/config/check_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/config/option_table.h"
#include "server/config/places.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMaxBytes = 256 * 1024 * 1024;
// Directories, and what the broker itself writes.
constexpr std::array<std::string_view, 2> kNotRead = {"tls.client_ca_dir", "tls.key_log"};

template <class Table>
void check_table(const ServerConfig& config, TableId id, std::span<const Option<Table>> options, const Table& table,
                 env::Files& files, ConfigErrors& errors) {
  for (const Option<Table>& option : options) {
    const OptionFacts& facts = option.facts;
    const bool read = std::find(kNotRead.begin(), kNotRead.end(), facts.name) == kNotRead.end();
    if (!read || (facts.form != TextForm::path && facts.form != TextForm::path_or_url)) continue;
    std::vector<std::string> paths;
    if (option.list) {
      paths = option.list(const_cast<Table&>(table));
    } else {
      paths.push_back(option.value_text(table));
    }
    for (const std::string& path : paths) {
      if (path.empty() || (facts.form == TextForm::path_or_url && path.find("://") != std::string::npos)) continue;
      const auto content = files.read_all(path, kMaxBytes);
      if (content) continue;
      errors.push_back(fmt::format("{}{} {}: {}: {}", place_before(config, id, facts.name), id.array, id.index + 1,
                                   facts.name, content.error().message));
    }
  }
}

template <class Table>
void check_tables(const ServerConfig& config, std::string_view array, std::span<const Option<Table>> options,
                  const std::vector<Table>& tables, env::Files& files, ConfigErrors& errors) {
  for (std::size_t i = 0; i < tables.size(); ++i) check_table(config, {array, i}, options, tables[i], files, errors);
}

// Whether the files can be read at all.
void check_readable(const ServerConfig& config, env::Files& files, ConfigErrors& errors) {
  check_tables(config, "listener", listener_options(), config.listeners, files, errors);
  check_tables(config, "authentication", provider_options(), config.auth.providers, files, errors);
  check_tables(config, "authorization", access_options(), config.auth.access, files, errors);
}

// Each looks at what the one before it has passed.
constexpr std::array kChecks = {&check_readable};

}  // namespace

void check_files(const ServerConfig& config, env::Files& files, ConfigErrors& errors) {
  for (const auto check : kChecks) {
    if (errors.empty()) check(config, files, errors);
  }
}

}  // namespace martlet::server
