// What a start, a reload and a check make of a configuration before a socket is bound or anything changes: one
// function, so that none of them takes what another one refuses.
#pragma once

#include <memory>
#include <optional>

#include "env/network.h"
#include "server/access/access_policy.h"
#include "server/config/load.h"
#include "server/config/server_config.h"
#include "server/doors.h"

namespace martlet::server {

struct PreparationMeans {
  AccessMeans access;  // its log is told what is only suspicious
  // For host names; is not bound to anything.
  env::Network& network;
  // Of a reload: those that adopt() what is prepared. Null: there are none yet.
  const Doors* open_doors = nullptr;
};

struct Preparation {
  std::unique_ptr<Doors> doors;
  AccessPolicy access;
};

// Reads every file that `config` names and builds TLS, authentication and authorisation of it; resolves the listeners'
// addresses and server.user; refuses a door that is open to everybody. Asks no service but that for host names, for
// which it may wait. `config` is complete and without errors of its own. All that is wrong is added to `errors`, with
// its place; what files hold that are secret is never shown. Nothing if there is any.
std::optional<Preparation> prepare(const ServerConfig& config, const PreparationMeans& means, ConfigErrors& errors);

}  // namespace martlet::server
