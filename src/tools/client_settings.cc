#include "tools/client_settings.h"

#include <fmt/format.h>

namespace martlet::tools {
namespace {

// 3.1 takes 23 characters, and neither 3.1 nor a persistent session can do without an identifier [MQTT-3.1.3-7].
std::string client_id(const Settings& settings, std::uint64_t random) {
  if (settings.client_id_prefix) return fmt::format("{}{}", *settings.client_id_prefix, random % 10'000'000);
  if (!settings.client_id.empty() || *settings.version == wire::ProtocolVersion::v5_0) return settings.client_id;
  return fmt::format("martlet-{:012x}", random & 0xFFFF'FFFF'FFFF);
}

}  // namespace

client::ClientOptions client_options(const Settings& settings, std::uint64_t random) {
  client::ClientOptions options;
  options.server = {settings.host, settings.port.value_or(1883)};
  options.version = *settings.version;
  options.client_id = client_id(settings, random);
  options.clean_start = settings.clean_start;
  options.keep_alive_s = settings.keep_alive_s;
  options.username = settings.username;
  options.password = settings.password;
  options.properties = settings.connect_properties;
  if (settings.session_expiry_s && *settings.version == wire::ProtocolVersion::v5_0) {
    options.properties.add_number(wire::PropertyId::session_expiry_interval, *settings.session_expiry_s);
  }
  if (settings.will_topic) {
    options.will = client::WillOptions{*settings.will_topic, settings.will_payload, settings.will_qos,
                                       settings.will_retain, settings.will_properties};
  }
  options.retry_first_connect = false;

  session::EndpointOptions& endpoint = options.endpoint;
  // Topic aliases would only hide what is sent from who looks on; who wants them says so.
  endpoint.topic_alias_maximum = settings.topic_alias_maximum.value_or(0);
  if (settings.receive_maximum) endpoint.receive_maximum = *settings.receive_maximum;
  if (settings.max_packet_bytes) endpoint.max_packet_bytes = *settings.max_packet_bytes;
  if (settings.max_in_flight != 0) endpoint.max_in_flight = settings.max_in_flight;
  // The tools bound what waits themselves, by reading no further.
  endpoint.queue = {
      .max_messages = 1'000'000, .max_bytes = std::uint64_t{4} << 30, .policy = session::DropPolicy::drop_newest};
  return options;
}

}  // namespace martlet::tools
