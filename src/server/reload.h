// Reads the configuration of a running broker again: what may change does at once and everywhere, what is wrong changes
// nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "env/network.h"
#include "server/access/access_policy.h"
#include "server/admission/admission.h"
#include "server/config/load.h"
#include "server/cores/cores.h"
#include "server/doors.h"
#include "server/log.h"

namespace martlet::server {

// What a reload did.
struct ReloadReport {
  std::vector<std::string> errors;   // then nothing changed
  std::vector<std::string> changed;  // options that hold from now on
  std::vector<std::string> restart;  // options that will after a restart
  bool ok() const { return errors.empty(); }
};

// What it acts on; all outlive it.
struct ReloadTargets {
  AccessMeans means;
  env::Network& network;  // for host names; the steward's thread
  Doors& doors;
  Admission& admission;
  Cores& cores;
  LineLog& log;
};

// One thread.
class Reloader {
 public:
  // `read` reads file, environment and command line as at the start. `config`: what holds now.
  using Read = std::function<ServerConfig(ConfigErrors&)>;
  Reloader(Read read, ServerConfig config, AccessPolicy access, const ReloadTargets& targets)
      : read_(std::move(read)), config_(std::move(config)), access_(std::move(access)), targets_(targets) {}

  ReloadReport reload();
  // Certificates, keys, CAs, CRLs and PSKs alone.
  ReloadReport reload_certificates();

  const AccessPolicy& access() const { return access_; }

 private:
  Read read_;
  ServerConfig config_;  // as it was read last
  AccessPolicy access_;
  const ReloadTargets targets_;
};

}  // namespace martlet::server
