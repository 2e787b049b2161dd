// The providers that ask another service: made of their [[authentication]] tables. Each call is bounded by timeout_ms
// in all; a service that cannot be asked refuses (Opinion::failed), is left alone for a while and found again by
// itself.
#pragma once

#include <memory>
#include <string_view>

#include "auth/options.h"
#include "auth/provider.h"
#include "base/bytes.h"
#include "base/result.h"
#include "env/files.h"

namespace martlet::auth {

// Whether `password` is the one that `hash` (in any format that is known) was made of. Any thread.
using VerifyHash = bool (*)(std::string_view hash, ByteView password);

// An Error names the option and says what to do. Files are read here, once; no service is asked yet. Without `verify`
// the two that compare hashes are not made.
Result<std::unique_ptr<Provider>> make_http_provider(const ProviderOptions& options, env::Files& files);
Result<std::unique_ptr<Provider>> make_postgresql_provider(const ProviderOptions& options, env::Files& files,
                                                           VerifyHash verify = nullptr);
Result<std::unique_ptr<Provider>> make_redis_provider(const ProviderOptions& options, env::Files& files,
                                                      VerifyHash verify = nullptr);
Result<std::unique_ptr<Provider>> make_ldap_provider(const ProviderOptions& options, env::Files& files);

}  // namespace martlet::auth
