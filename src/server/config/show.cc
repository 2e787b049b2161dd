#include "server/config/show.h"

#include <fmt/format.h>

#include <iterator>

#include "base/printable.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

// Calls `each(name, value, from)` for every option that has a value.
template <class Each>
class Walk {
 public:
  Walk(const ServerConfig& config, const Each& each) : config_(config), each_(each) {}

  void run() {
    add("", server_options(), config_);
    add_tables("listener", listener_options(), config_.listeners);
    add_tables("authentication", provider_options(), config_.auth.providers);
    add_tables("authorization", access_options(), config_.auth.access);
    add_tables("durability", durability_options(), config_.broker.durability.rules);
  }

 private:
  template <class Config>
  void add(const std::string& prefix, std::span<const Option<Config>> options, const Config& config) {
    for (const Option<Config>& option : options) {
      const std::string name = prefix + std::string(option.facts.name);
      const std::string value = option.value_text(config);
      const auto place = config_.places.find(name);
      if (value.empty() && place == config_.places.end()) continue;
      each_(name, may_hold_secret(option.facts) ? masked_url(value) : value,
            place == config_.places.end() ? std::string_view("default") : std::string_view(place->second));
    }
  }

  template <class Table>
  void add_tables(std::string_view array, std::span<const Option<Table>> options, const std::vector<Table>& tables) {
    for (std::size_t i = 0; i < tables.size(); ++i) add(fmt::format("{}[{}].", array, i), options, tables[i]);
  }

  const ServerConfig& config_;
  const Each& each_;
};

}  // namespace

std::string config_text(const ServerConfig& config) {
  std::string out;
  const auto each = [&](std::string_view name, std::string_view value, std::string_view from) {
    fmt::format_to(std::back_inserter(out), "{} = {}  ({})\n", name, printable(value, kAllChars), from);
  };
  Walk(config, each).run();
  return out;
}

std::string config_json(const ServerConfig& config) {
  std::string out = "{";
  const auto each = [&](std::string_view name, std::string_view value, std::string_view from) {
    out += out.size() == 1 ? "\"" : ",\"";
    append_json_string(out, name, kAllChars);
    out += "\":{\"value\":\"";
    append_json_string(out, value, kAllChars);
    out += "\",\"from\":\"";
    append_json_string(out, from, kAllChars);
    out += "\"}";
  };
  Walk(config, each).run();
  return out + "}\n";
}

}  // namespace martlet::server
