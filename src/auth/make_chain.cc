#include "auth/make_chain.h"

#include <optional>
#include <utility>
#include <vector>

#include "auth/make_provider.h"

namespace martlet::auth {

Result<std::shared_ptr<Chain>> make_chain(const AuthOptions& options, env::Files& files, const ChainPorts& ports,
                                          const TableFault& fault) {
  std::vector<ChainLink> links;
  std::optional<Error> first;
  for (std::size_t i = 0; i < options.providers.size(); ++i) {
    auto link = make_provider(options.providers[i], files, ports);
    if (link) {
      links.push_back(std::move(*link));
      continue;
    }
    if (fault) fault(i, link.error());
    if (!first) first = link.error();
  }
  if (first) return tl::unexpected(*first);
  return Chain::make(options, std::move(links), ports);
}

}  // namespace martlet::auth
