// A configuration file, the environment and the command line on hostile bytes: no input may end the process, and what
// is taken is shown, explained and compared without an end either.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/config/changes.h"
#include "server/config/complete.h"
#include "server/config/effective.h"
#include "server/config/explain.h"
#include "server/config/show.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace martlet;
  using namespace martlet::server;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ServerConfig config;
  const ConfigErrors errors = apply_toml(config, text, "dir/c.toml");
  const ServerConfig before = config;
  const ConfigErrors more = complete_config(config);
  static_cast<void>(config_text(config));
  static_cast<void>(config_json(config));
  static_cast<void>(changed_options(before, config));
  if (errors.empty() && more.empty()) {
    const auth::AuthOptions auth = auth_options_of(config);
    check(auth.listeners.size() == config.listeners.size(), "each listener says who may connect");
    for (const ListenerConfig& listener : config.listeners) static_cast<void>(policy_of(config, listener));
    const OptionChanges none = changed_options(config, config);
    check(none.live.empty() && none.restart.empty(), "a configuration is the same as itself");
  }
  if (size > 64) return 0;
  static_cast<void>(apply_assignment(config, text));
  static_cast<void>(apply_environment(config, {{std::string(text.substr(0, 64)), std::string(text)}}));
  static_cast<void>(explain_option(text));
  return 0;
}
