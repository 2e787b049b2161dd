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
                                                     env::Clock& clock, const TlsContext* earlier) {
  auto set = load_tls_set(options, websocket, earlier ? earlier->current().get() : nullptr, files, clock);
  if (!set) return tl::unexpected(set.error());
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(*set), websocket, files, clock));
}

Result<void> TlsContext::reload(const TlsOptions& options) {
  const auto fresh = make(options, websocket_, files_, clock_, this);
  if (!fresh) return tl::unexpected(fresh.error());
  adopt(**fresh);
  return {};
}

void TlsContext::adopt(const TlsContext& fresh) {
  std::shared_ptr<const TlsSet> set = fresh.current();
  const std::lock_guard lock(mutex_);
  set_ = std::move(set);
}

std::unique_ptr<StreamLayer> TlsContext::make(std::string_view) {
  return std::make_unique<TlsLayer>(current());
}

std::vector<TlsValidity> TlsContext::validities() const {
  return current()->identities.validities();
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
