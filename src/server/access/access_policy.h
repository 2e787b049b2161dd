// From a configuration to who may connect and do what.
#pragma once

#include <memory>

#include "auth/access_chain.h"
#include "auth/chain.h"
#include "base/result.h"
#include "env/files.h"
#include "server/access/access_front.h"
#include "server/config/server_config.h"

namespace martlet::server {

// What a policy is made with; all outlive it, and the questions that are under way.
struct AccessMeans {
  env::Files& files;
  env::Clock& clock;
  env::Entropy& entropy;
  auth::Workers& workers;
  broker::Log& log;
};

// Reads the files that `config` names; asks no service. An Error names the file and line, or the option.
Result<AccessPolicy> make_access_policy(const ServerConfig& config, const AccessMeans& means);

}  // namespace martlet::server
