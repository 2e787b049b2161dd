#include "tools/prove/clients.h"

#include <fmt/format.h>

#include "client/client.h"
#include "env/posix/system.h"

namespace martlet::tools::prove {
namespace {

constexpr std::uint16_t kKeepAliveS = 20;
constexpr std::uint32_t kSessionExpiryS = 86'400;
constexpr std::int64_t kEndSessionMs = 3'000;

class Leaver final : public client::ClientHandler {
 public:
  bool connected_once = false;

 private:
  void connected(const wire::Connack&) override { connected_once = true; }
};

}  // namespace

std::string client_id(std::uint64_t run, ClientRole role, std::uint32_t number) {
  return fmt::format("prove{:08x}{}{}", run & 0xFFFFFFFF, static_cast<char>(role), number);
}

std::string topic_prefix(const ProveOptions& options, std::uint64_t run) {
  return options.topic.empty() ? fmt::format("prove/{:08x}", run & 0xFFFFFFFF) : options.topic;
}

std::string topic_of(const std::string& prefix, const MessageId& id) {
  return fmt::format("{}/{}/{}", prefix, id.publisher, id.topic);
}

client::ClientOptions persistent_client(const ProveOptions& options, std::string id) {
  client::ClientOptions client;
  client.server = options.broker;
  client.version = options.version;
  client.client_id = std::move(id);
  client.clean_start = false;
  client.keep_alive_s = kKeepAliveS;
  if (!options.username.empty()) client.username = options.username;
  if (!options.password.empty()) client.password = options.password;
  if (options.version == wire::ProtocolVersion::v5_0) {
    client.properties.add_number(wire::PropertyId::session_expiry_interval, kSessionExpiryS);
  }
  client.retry_first_connect = false;
  client.backoff = {.first_ms = 50, .longest_ms = 1'000};
  // The greatest: a broker that forgets this limit when it restarts is not to be thrown out for that here.
  client.endpoint.receive_maximum = 65'535;
  client.endpoint.max_in_flight = static_cast<std::uint16_t>(options.window);
  client.endpoint.queue = {.max_messages = options.window + 1,
                           .max_bytes = std::uint64_t{4} << 30,
                           .policy = session::DropPolicy::drop_newest};
  return client;
}

void end_session(const ProveOptions& options, const std::string& id, env::Clock& clock) {
  const auto network = env::posix::make_network();
  if (!network) return;
  client::ClientOptions clean = persistent_client(options, id);
  clean.clean_start = true;
  clean.properties = {};
  Leaver leaver;
  client::Client client(**network, clock, 0, clean, leaver);
  client.start();
  const DeadlineMs until = clock.now().mono_ms + kEndSessionMs;
  for (bool stopped = false; !client.finished() && clock.now().mono_ms < until;) {
    client.turn(until);
    if (leaver.connected_once && !stopped) client.stop();
    stopped = leaver.connected_once;
  }
}

}  // namespace martlet::tools::prove
