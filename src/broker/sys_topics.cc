#include "broker/sys_topics.h"

#include <fmt/format.h>

namespace martlet::broker {

void SysTopics::update(const SysFigures& figures, const Now& now,
                       const std::function<void(std::string_view topic, std::string_view payload)>& publish) {
  publish("$SYS/broker/version", fmt::format("martlet version {}", options_.version));
  publish("$SYS/broker/uptime", fmt::format("{} seconds", (now.mono_ms - started_.mono_ms) / 1000));
  publish("$SYS/broker/clients/connected", fmt::format("{}", figures.counters.clients_connected));
}

}  // namespace martlet::broker
