// A jwt provider from its [[authentication]] table.
#pragma once

#include <memory>

#include "auth/jwt_key_store.h"
#include "auth/options.h"
#include "auth/provider.h"
#include "base/result.h"
#include "env/files.h"

namespace martlet::auth {

// `options` has a name. Reads the key files. An Error names the option or the file. `report` is told, from any thread,
// when keys cannot be renewed.
Result<std::unique_ptr<Provider>> make_jwt(const ProviderOptions& options, env::Files& files,
                                           JwtKeyStore::Report report);

}  // namespace martlet::auth
