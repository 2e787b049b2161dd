#include "server/configuration_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "env/posix/system.h"
#include "server/preparation.h"
#include "server/start_environment.h"

namespace martlet::server {
namespace {

// Keeps what is more than information.
class WarningList final : public broker::Log {
 public:
  explicit WarningList(std::vector<std::string>& warnings) : warnings_(warnings) {}
  bool wants(broker::LogLevel level) const override { return level >= broker::LogLevel::warning; }

 private:
  void put(broker::LogLevel, std::string_view text, const broker::LogSubject&) override {
    warnings_.emplace_back(text);
  }

  std::vector<std::string>& warnings_;
};

// What stands in front of the text: "broker.toml:3", "--set" or "$MARTLET_LOG_LEVEL".
std::size_t place_bytes(std::string_view line) {
  const std::size_t end = line.find(": ");
  if (end == std::string_view::npos) return 0;
  const std::string_view begin = line.substr(0, end);
  const std::size_t colon = begin.rfind(':');
  const bool has_line = colon != std::string_view::npos && colon + 1 < begin.size() &&
                        begin.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return has_line || begin.starts_with("--") || begin.starts_with('$') ? end : 0;
}

void append_lines(std::string& out, std::string_view name, const std::vector<std::string>& lines) {
  out += name;
  out += '[';
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    const std::size_t place = place_bytes(line);
    out += i == 0 ? "{\"place\":\"" : ",{\"place\":\"";
    append_json_string(out, line.substr(0, place), kAllChars);
    out += "\",\"text\":\"";
    append_json_string(out, line.substr(place == 0 ? 0 : place + 2), kAllChars);
    out += "\"}";
  }
  out += ']';
}

}  // namespace

ConfigurationCheck check_configuration(const BrokerArguments& arguments, env::Files& files) {
  ConfigurationCheck check;
  const ServerConfig config = configure(arguments, start_environment(), files, check.errors);
  check.warnings = config.notes;
  // What is named by a line that is wrong is not what is meant.
  if (!check.ok()) return check;
  const auto network = env::posix::make_network(env::posix::Polling::epoll);
  if (!network) {
    check.errors.push_back(network.error().message);
    return check;
  }
  const auto clock = env::posix::make_clock();
  const auto entropy = env::posix::make_entropy();
  WarningList log(check.warnings);
  auth::Workers workers(1, 1);
  const auto prepared = prepare(config, {{files, *clock, *entropy, workers, log}, **network}, check.errors);
  if (!prepared) return check;
  for (const Notice& notice : prepared->doors->notices(clock->now().wall_ms)) log.write(notice.level, notice.text);
  return check;
}

std::string check_json(const ConfigurationCheck& check) {
  std::string out = check.ok() ? "{\"ok\":true," : "{\"ok\":false,";
  append_lines(out, "\"errors\":", check.errors);
  append_lines(out, ",\"warnings\":", check.warnings);
  return out + "}\n";
}

}  // namespace martlet::server
