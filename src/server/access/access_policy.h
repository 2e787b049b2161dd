// From a configuration to who may connect and do what.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "auth/access_chain.h"
#include "auth/chain.h"
#include "base/result.h"
#include "env/files.h"
#include "server/access/access_front.h"
#include "server/config/places.h"
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

// Told what is wrong with a table of [[authentication]] or [[authorization]].
using AccessFault = std::function<void(TableId table, const Error& error)>;

// Reads the files that `config` names; asks no service. Tells `fault` of each table that is wrong (of what is none's
// alone with an empty TableId); then nothing is made.
std::optional<AccessPolicy> make_access_policy(const ServerConfig& config, const AccessMeans& means,
                                               const AccessFault& fault);

}  // namespace martlet::server
