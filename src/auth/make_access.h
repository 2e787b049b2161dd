// Makes the broker's authorizer of what an operator wrote.
#pragma once

#include <functional>
#include <memory>

#include "auth/access_chain.h"
#include "auth/options.h"
#include "auth/table_fault.h"
#include "base/result.h"
#include "env/files.h"

namespace martlet::auth {

struct AccessParts {
  env::Files& files;
  // Makes a source of kind http; without it such a source is an error.
  std::function<Result<std::shared_ptr<AccessSource>>(const AccessOptions&)> make_http = nullptr;
  ShadowTable::FirstSeen first_difference = nullptr;
  TableFault fault = nullptr;
};

// Reads one source's file. `options` is of kind rules, mosquitto or jwt. `listeners`: names by listener_index. The
// error begins with the file's name and, where there is one, the line. `coming`: further names of listeners that rules
// may have, those that a restart opens; null: they may have any.
Result<std::shared_ptr<AccessSource>> make_access_source(const AccessOptions& options,
                                                         const std::vector<std::string>& listeners, env::Files& files,
                                                         const std::vector<std::string>* coming = nullptr);

// Reads the files and makes the chain. Any error: nothing is made; the first one is returned.
Result<std::shared_ptr<AccessChain>> make_access_chain(const AuthOptions& options, const AccessParts& parts);

}  // namespace martlet::auth
