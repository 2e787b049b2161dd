#include "net/tls_context.h"

#include <algorithm>

#include "net/tls_layer.h"
#include "net/tls_load.h"
#include "net/tls_set.h"

namespace martlet::net {

TlsContext::TlsContext(std::shared_ptr<const TlsSet> set, bool websocket, env::Files& files, env::Clock& clock)
    : websocket_(websocket), files_(files), clock_(clock), set_(std::move(set)) {}

TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::make(const TlsOptions& options, bool websocket, env::Files& files,
                                                     env::Clock& clock) {
  auto set = load_tls_set(options, websocket, nullptr, files, clock);
  if (!set) return tl::unexpected(set.error());
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(*set), websocket, files, clock));
}

Result<void> TlsContext::reload(const TlsOptions& options) {
  const std::shared_ptr<const TlsSet> earlier = current();
  auto set = load_tls_set(options, websocket_, earlier.get(), files_, clock_);
  if (!set) return tl::unexpected(set.error());
  const std::lock_guard lock(mutex_);
  set_ = std::move(*set);
  return {};
}

std::unique_ptr<StreamLayer> TlsContext::make(std::string_view) {
  return std::make_unique<TlsLayer>(current());
}

std::optional<std::int64_t> TlsContext::certificate_expiry_wall_ms() const {
  const std::shared_ptr<const TlsSet> set = current();
  if (set->identities.empty()) return std::nullopt;
  return set->identities.expiry_wall_ms();
}

std::vector<std::string> TlsContext::files() const {
  std::vector<std::string> names = current()->sources;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<std::string> TlsContext::warnings() const {
  return current()->warnings;
}

std::shared_ptr<const TlsSet> TlsContext::current() const {
  const std::lock_guard lock(mutex_);
  return set_;
}

}  // namespace martlet::net
