// Who may have signed clients' certificates, and which of those are revoked.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "net/tls_openssl.h"
#include "net/tls_options.h"
#include "net/tls_sources.h"

namespace martlet::net {

struct TlsTrust {
  OwnedStore store;  // null: clients are not asked for certificates
  OwnedNames names;  // of the CAs in the file, which clients are told; null without one
  // Of the files, so that another trust can be told from the same. A directory is looked at when a client comes, so
  // that nobody knows when it changes.
  std::string contents;
};

// Errors name the option and the file; a list of revoked certificates that is too old is a warning.
Result<TlsTrust> load_trust(const TlsOptions& options, std::int64_t wall_ms, TlsSources& sources);

}  // namespace martlet::net
