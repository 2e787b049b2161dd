// From an operator's options to what a listener's TLS connections share.
#pragma once

#include <memory>

#include "base/result.h"
#include "env/clock.h"
#include "env/files.h"
#include "net/tls_options.h"
#include "net/tls_set.h"

namespace martlet::net {

// `earlier`: the set that it replaces, whose ticket keys are kept if the policy is the same; may be null. Errors name
// the option and the file. Any thread; reads files.
Result<std::shared_ptr<const TlsSet>> load_tls_set(const TlsOptions& options, bool websocket, const TlsSet* earlier,
                                                   env::Files& files, env::Clock& clock);

}  // namespace martlet::net
