// The chain that a configuration describes.
#pragma once

#include <memory>

#include "auth/chain.h"
#include "auth/options.h"
#include "auth/table_fault.h"
#include "base/result.h"
#include "env/files.h"

namespace martlet::auth {

// Reads the files that `options` name, once; asks no service yet. What an operator should mend is written to the log of
// `ports`. An Error names file and line or the option; it is the first of those that `fault` is told.
Result<std::shared_ptr<Chain>> make_chain(const AuthOptions& options, env::Files& files, const ChainPorts& ports,
                                          const TableFault& fault = nullptr);

}  // namespace martlet::auth
