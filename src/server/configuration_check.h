// The answer to "would the broker start with this?", for `martlet config check` and `martlet broker --check`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "env/files.h"
#include "server/broker_arguments.h"
#include "server/config/load.h"

namespace martlet::server {

struct ConfigurationCheck {
  ConfigErrors errors;                // a start would fail with them
  std::vector<std::string> warnings;  // and would log these

  bool ok() const { return errors.empty(); }
};

// Reads the configuration as a start with `arguments` does and prepares all that it names (preparation.h), without
// binding, connecting or changing anything. To be called once, without other threads.
ConfigurationCheck check_configuration(const BrokerArguments& arguments, env::Files& files);

// {"ok": false, "errors": [{"place": "broker.toml:3", "text": "..."}], "warnings": [...]}; the place is empty where
// there is none.
std::string check_json(const ConfigurationCheck& check);

}  // namespace martlet::server
