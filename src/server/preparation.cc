#include "server/preparation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/posix/privileges.h"
#include "server/config/effective.h"
#include "server/config/option_table.h"
#include "server/config/places.h"
#include "server/loopback.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMaxBytes = 256 * 1024 * 1024;
// Directories, and what the broker itself writes.
constexpr std::array<std::string_view, 2> kNotRead = {"tls.client_ca_dir", "tls.key_log"};

template <class Table>
std::vector<std::string> values_of(const Option<Table>& option, const Table& table) {
  if (option.list) return option.list(const_cast<Table&>(table));
  return {option.value_text(table)};
}

bool is_path(const OptionFacts& facts, std::string_view value) {
  if (value.empty()) return false;
  return facts.form == TextForm::path ||
         (facts.form == TextForm::path_or_url && value.find("://") == std::string_view::npos);
}

// One configuration under preparation.
class Maker {
 public:
  Maker(const ServerConfig& config, const PreparationMeans& means, ConfigErrors& errors)
      : config_(config), means_(means), errors_(errors) {}

  std::optional<Preparation> make() {
    const std::size_t errors_before = errors_.size();
    read_files("listener", listener_options(), config_.listeners);
    read_files("authentication", provider_options(), config_.auth.providers);
    read_files("authorization", access_options(), config_.auth.access);
    check_user();
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) check_address(i);
    auto doors = Doors::make(
        config_, means_.access.files, means_.access.clock,
        [&](std::size_t listener, const Error& error) {
          fault({"listener", listener}, error);
        },
        means_.open_doors);
    auto access =
        make_access_policy(config_, means_.access, [&](TableId table, const Error& error) { fault(table, error); });
    if (errors_.size() != errors_before || !access) return std::nullopt;
    return Preparation{std::move(doors), std::move(*access)};
  }

 private:
  // All of them at once: who builds something of them tells of the first alone.
  template <class Table>
  void read_files(std::string_view array, std::span<const Option<Table>> options, const std::vector<Table>& tables) {
    for (std::size_t i = 0; i < tables.size(); ++i) {
      for (const Option<Table>& option : options) {
        const std::string_view key = option.facts.name;
        if (std::find(kNotRead.begin(), kNotRead.end(), key) != kNotRead.end()) continue;
        for (const std::string& path : values_of(option, tables[i])) {
          if (!is_path(option.facts, path)) continue;
          const auto content = means_.access.files.read_all(path, kMaxBytes);
          if (content) continue;
          add({array, i}, key,
              fmt::format("{}: {}; check the path and that the broker's user may read it", key,
                          content.error().message));
          unreadable_.emplace(array, i);
        }
      }
    }
  }

  void check_user() {
    if (config_.user.empty()) return;
    const auto found = env::posix::check_user(config_.user, config_.group);
    if (found) return;
    const std::string& text = found.error().message;
    const std::string error = place_before(config_, text.substr(0, text.find(':'))) + text;
    if (env::posix::is_root()) return errors_.push_back(error);
    // Only root can become somebody.
    means_.access.log.write(broker::LogLevel::warning, error + "; a start as root would fail");
  }

  // That it has an address, and one that not everybody can use.
  void check_address(std::size_t index) {
    const ListenerConfig& listener = config_.listeners[index];
    if (listener.is_unix()) return;
    const auto endpoint = env::parse_endpoint(listener.address, kDefaultPort);
    const auto local =
        endpoint ? is_loopback(*endpoint, means_.network) : Result<bool>(tl::unexpected(endpoint.error()));
    const TableId id{"listener", index};
    if (!local) {
      return add(id, "address",
                 fmt::format("address: {}; write an address of this machine, as 127.0.0.1:{}, or *:{} "
                             "for all",
                             local.error().message, kDefaultPort, kDefaultPort));
    }
    const auth::ListenerAuth access = auth_options_of(config_).listeners[index];
    if (*local || config_.auth.allow_anonymous_public || !access.allow_anonymous || access.identity_from_tls) return;
    add(id, "address",
        fmt::format("{} can be reached by other machines, and lets in whoever comes. Add [[authentication]] (martlet "
                    "passwd makes a file of users), listen on 127.0.0.1 or [::1], or allow it with --set "
                    "auth.allow_anonymous_public=true",
                    listener.address));
  }

  void fault(TableId id, const Error& error) {
    if (unreadable_.contains({id.array, id.index})) return;
    std::string_view rest = error.message;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (id.array == "listener") {
        add_found(id, listener_options(), config_.listeners[id.index], line);
      } else if (id.array == "authentication") {
        add_found(id, provider_options(), config_.auth.providers[id.index], line);
      } else if (id.array == "authorization") {
        add_found(id, access_options(), config_.auth.access[id.index], line);
      } else {
        errors_.emplace_back(line);
      }
    }
  }

  // With the key that `text` begins with; else with that whose file it names.
  template <class Table>
  void add_found(TableId id, std::span<const Option<Table>> options, const Table& table, std::string_view text) {
    const std::string_view begin = text.substr(0, text.find(':'));
    if (find_option(options, begin)) return add(id, begin, text);
    for (const Option<Table>& option : options) {
      for (const std::string& value : values_of(option, table)) {
        if (!is_path(option.facts, value) || text.find(value) == std::string_view::npos) continue;
        return add(id, option.facts.name, fmt::format("{}: {}", option.facts.name, text));
      }
    }
    add(id, "", text);
  }

  void add(TableId id, std::string_view key, std::string_view text) {
    errors_.push_back(fmt::format("{}{} {}: {}", place_before(config_, id, key), id.array, id.index + 1, text));
  }

  const ServerConfig& config_;
  const PreparationMeans& means_;
  ConfigErrors& errors_;
  std::set<std::pair<std::string_view, std::size_t>> unreadable_;
};

}  // namespace

std::optional<Preparation> prepare(const ServerConfig& config, const PreparationMeans& means, ConfigErrors& errors) {
  return Maker(config, means, errors).make();
}

}  // namespace martlet::server
