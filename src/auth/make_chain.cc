#include "auth/make_chain.h"

#include <utility>
#include <vector>

#include "auth/make_provider.h"

namespace martlet::auth {

Result<std::shared_ptr<Chain>> make_chain(const AuthOptions& options, env::Files& files, const ChainPorts& ports) {
  std::vector<ChainLink> links;
  for (const ProviderOptions& provider : options.providers) {
    auto link = make_provider(provider, files, ports);
    if (!link) return tl::unexpected(link.error());
    links.push_back(std::move(*link));
  }
  return Chain::make(options, std::move(links), ports);
}

}  // namespace martlet::auth
