// One [[authentication]] table made a provider.
#pragma once

#include <string_view>

#include "auth/chain.h"
#include "auth/options.h"
#include "base/result.h"
#include "env/files.h"

namespace martlet::auth {

// The name of a kind as the configuration writes it.
std::string_view name_of(ProviderKind kind);

Result<ChainLink> make_provider(const ProviderOptions& options, env::Files& files, const ChainPorts& ports);

}  // namespace martlet::auth
