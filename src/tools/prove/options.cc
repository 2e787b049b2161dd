#include "tools/prove/options.h"

namespace martlet::tools::prove {
namespace {

constexpr std::uint32_t kDefaultRestarts = 10;

}  // namespace

wire::QoS highest_qos(const ProveOptions& options) {
  return options.qos == QosChoice::one ? wire::QoS::at_least_once : wire::QoS::exactly_once;
}

std::uint32_t total_restarts(const ProveOptions& options) {
  return options.restart_command.empty() ? 0 : options.restarts.value_or(kDefaultRestarts);
}

}  // namespace martlet::tools::prove
