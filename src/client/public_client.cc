// The installed client (include/martlet/client.h): the inner one with the system behind it and std types before it.
#include <stdexcept>
#include <system_error>

#include "client/client.h"
#include "env/posix/system.h"
#include "martlet/client.h"
#include "topic/filter.h"
#include "topic/name.h"
#include "wire/decode.h"

namespace martlet {

using wire::PropertyId;

namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

void require_text(std::string_view text, const char* what) {
  require(text.size() <= wire::kMaxTextBytes && wire::valid_text(text), what);
}

void require_topic(std::string_view topic) {
  require_text(topic, "a topic name is at most 65535 bytes of UTF-8");
  require(topic::check_name(topic) == topic::Validity::ok, "a topic name is not empty and has no wildcards");
}

void require_filter(std::string_view filter) {
  require_text(filter, "a topic filter is at most 65535 bytes of UTF-8");
  require(!filter.empty(), "a topic filter is not empty");
  // "$share/NAME/" passes as plain levels: which shared subscriptions there are is the server's to say.
  require(topic::check_filter(filter) == topic::Validity::ok,
          "a wildcard of a topic filter stands for a whole level, and '#' is the last one");
}

wire::QoS qos_of(int qos) {
  require(qos >= 0 && qos <= 2, "a QoS is 0, 1 or 2");
  return static_cast<wire::QoS>(qos);
}

void write_properties(wire::PropertyWriter& to, const MessageProperties& from) {
  for (const std::string* text : {&from.content_type, &from.response_topic}) {
    require_text(*text, "a property is at most 65535 bytes of UTF-8");
  }
  require(from.correlation_data.size() <= wire::kMaxTextBytes, "correlation data is at most 65535 bytes");
  if (from.payload_is_text) to.add_number(PropertyId::payload_format_indicator, *from.payload_is_text ? 1 : 0);
  if (from.message_expiry_s) to.add_number(PropertyId::message_expiry_interval, *from.message_expiry_s);
  if (!from.content_type.empty()) to.add_text(PropertyId::content_type, from.content_type);
  if (!from.response_topic.empty()) {
    require_topic(from.response_topic);
    to.add_text(PropertyId::response_topic, from.response_topic);
  }
  if (!from.correlation_data.empty()) to.add_binary(PropertyId::correlation_data, as_bytes(from.correlation_data));
  for (const auto& [name, value] : from.user_properties) {
    require_text(name, "a user property is at most 65535 bytes of UTF-8");
    require_text(value, "a user property is at most 65535 bytes of UTF-8");
    to.add_pair(PropertyId::user_property, name, value);
  }
}

void read_properties(Message& to, const wire::Properties& from) {
  from.for_each([&](const wire::Property& property) {
    const std::string_view text = as_text(property.value);
    MessageProperties& known = to.properties;
    switch (property.id) {
      case PropertyId::content_type:
        known.content_type = text;
        break;
      case PropertyId::response_topic:
        known.response_topic = text;
        break;
      case PropertyId::correlation_data:
        known.correlation_data = text;
        break;
      case PropertyId::payload_format_indicator:
        known.payload_is_text = property.number == 1;
        break;
      case PropertyId::message_expiry_interval:
        known.message_expiry_s = property.number;
        break;
      case PropertyId::user_property:
        known.user_properties.emplace_back(property.name, text);
        break;
      case PropertyId::subscription_identifier:
        to.subscription_identifiers.push_back(property.number);
        break;
      default:
        break;
    }
  });
}

client::WillOptions inner_will(const ClientWill& will) {
  require_topic(will.topic);
  require(will.payload.size() <= wire::kMaxTextBytes, "a will's payload is at most 65535 bytes");
  client::WillOptions inner{will.topic, will.payload, qos_of(will.qos), will.retain, {}};
  if (will.delay_s != 0) inner.properties.add_number(PropertyId::will_delay_interval, will.delay_s);
  write_properties(inner.properties, will.properties);
  return inner;
}

client::ClientOptions inner_options(const ClientSettings& settings) {
  require_text(settings.client_id, "a client identifier is at most 65535 bytes of UTF-8");
  require(!settings.client_id.empty() || settings.clean_start || settings.version == MqttVersion::v5_0,
          "a session that is kept needs a client identifier");
  require(settings.receive_maximum != 0 && settings.max_packet_bytes != 0 && settings.max_in_flight != 0,
          "a limit of nothing lets nothing through");
  if (settings.username) require_text(*settings.username, "a user name is at most 65535 bytes of UTF-8");
  if (settings.password) require(settings.password->size() <= wire::kMaxTextBytes, "a password is at most 65535 bytes");
  client::ClientOptions options;
  options.server = {settings.host, settings.port};
  options.version = static_cast<wire::ProtocolVersion>(settings.version);
  options.client_id = settings.client_id;
  options.clean_start = settings.clean_start;
  options.keep_alive_s = settings.keep_alive_s;
  options.username = settings.username;
  options.password = settings.password;
  if (settings.will) options.will = inner_will(*settings.will);
  if (settings.session_expiry_s != 0) {
    options.properties.add_number(PropertyId::session_expiry_interval, settings.session_expiry_s);
  }
  options.reconnect = options.retry_first_connect = settings.reconnect;
  options.backoff = {settings.reconnect_first.count(), settings.reconnect_longest.count()};
  options.endpoint.receive_maximum = settings.receive_maximum;
  options.endpoint.max_packet_bytes = std::min(settings.max_packet_bytes, wire::kMaxRemainingLength);
  options.endpoint.topic_alias_maximum = settings.topic_alias_maximum;
  options.endpoint.max_in_flight = settings.max_in_flight;
  options.endpoint.queue = {settings.max_queued_messages, settings.max_queued_bytes, session::DropPolicy::drop_newest};
  return options;
}

// An AckToken in one number: connection, identifier, QoS.
std::uint64_t pack(const client::AckToken& token) {
  return std::uint64_t{token.connection} << 32 | std::uint64_t{token.packet_id} << 8 |
         static_cast<std::uint64_t>(token.qos);
}

client::AckToken unpack(std::uint64_t token) {
  return {static_cast<std::uint32_t>(token >> 32), static_cast<std::uint16_t>(token >> 8),
          static_cast<wire::QoS>(token & 3)};
}

std::unique_ptr<env::Network> open_network() {
  auto network = env::posix::make_network();
  if (!network) throw std::system_error(network.error().system_code, std::generic_category(), network.error().message);
  return std::move(*network);
}

}  // namespace

class Client::Implementation final : private client::ClientHandler {
 public:
  Implementation(Client& owner, const ClientSettings& settings)
      : owner_(owner),
        manual_ack_(settings.manual_ack),
        network_(open_network()),
        inner_(*network_, *clock_, env::posix::make_entropy()->seed(), inner_options(settings), *this) {}

  client::Client& inner() { return inner_; }
  DeadlineMs in(std::chrono::milliseconds longest) { return clock_->now().mono_ms + longest.count(); }

 private:
  void connected(const wire::Connack& connack) override {
    if (!owner_.on_connected) return;
    const auto assigned = connack.properties.text(PropertyId::assigned_client_identifier);
    owner_.on_connected({connack.session_present, assigned ? std::string(*assigned) : inner_.options().client_id});
  }

  void refused(const wire::Connack& connack, DeadlineMs retry_at) override {
    if (!owner_.on_disconnected) return;
    const auto text = connack.properties.text(PropertyId::reason_string);
    owner_.on_disconnected(
        {static_cast<std::uint8_t>(connack.reason), std::string(text.value_or(wire::reason_text(connack.reason))),
         std::string(connack.properties.text(PropertyId::server_reference).value_or("")), retry_in(retry_at)});
  }

  void lost(const client::Loss& loss) override {
    if (!owner_.on_disconnected) return;
    const bool told = loss.cause == client::LossCause::server_disconnect;
    owner_.on_disconnected(
        {told ? static_cast<std::uint8_t>(loss.reason) : std::uint8_t{0},
         loss.text.empty() ? wire::reason_text(loss.reason, wire::PacketType::disconnect) : loss.text,
         loss.server_reference, retry_in(loss.retry_at)});
  }

  std::optional<std::chrono::milliseconds> retry_in(DeadlineMs retry_at) {
    if (retry_at == kNever) return std::nullopt;
    return std::chrono::milliseconds(retry_at - inner_.now().mono_ms);
  }

  client::AckBy message(const wire::Publish& publish, const client::AckToken& token) override {
    if (owner_.on_message) {
      Message message{publish.topic, as_text(publish.payload), static_cast<int>(publish.qos), publish.retain,
                      publish.dup};
      read_properties(message, publish.properties);
      message.ack_token = pack(token);
      owner_.on_message(message);
    }
    return manual_ack_ ? client::AckBy::user : client::AckBy::client;
  }

  void published(client::PublishHandle handle, wire::ReasonCode reason) override {
    if (owner_.on_published) owner_.on_published(handle, static_cast<std::uint8_t>(reason));
  }

  void answered(client::RequestHandle handle, const wire::FilterAck& ack) override {
    if (owner_.on_subscribed) owner_.on_subscribed(handle, {ack.reasons.begin(), ack.reasons.end()});
  }

  Client& owner_;
  const bool manual_ack_;
  std::unique_ptr<env::Clock> clock_ = env::posix::make_clock();
  std::unique_ptr<env::Network> network_;
  client::Client inner_;
};

Client::Client(const ClientSettings& settings) : implementation_(std::make_unique<Implementation>(*this, settings)) {}

Client::~Client() = default;

void Client::start() {
  implementation_->inner().start();
}

void Client::stop(std::optional<std::uint32_t> session_expiry_s) {
  implementation_->inner().stop(wire::ReasonCode::success, session_expiry_s);
}

bool Client::stopped() const {
  return implementation_->inner().finished();
}

void Client::run() {
  while (!stopped()) implementation_->inner().turn();
}

void Client::turn(std::chrono::milliseconds longest) {
  implementation_->inner().turn(implementation_->in(longest));
}

void Client::wake() {
  implementation_->inner().wake();
}

RequestId Client::publish(std::string_view topic, std::string_view payload, int qos, bool retain,
                          const MessageProperties& properties) {
  require_topic(topic);
  require(payload.size() <= wire::kMaxRemainingLength, "a payload is smaller than 268435455 bytes");
  wire::PropertyWriter written;
  write_properties(written, properties);
  return implementation_->inner().publish({.topic = topic,
                                           .payload = as_bytes(payload),
                                           .qos = qos_of(qos),
                                           .retain = retain,
                                           .properties = written.properties()});
}

bool Client::has_room(std::size_t payload_bytes) const {
  return implementation_->inner().has_room(payload_bytes);
}

std::size_t Client::unfinished() const {
  return implementation_->inner().unfinished();
}

RequestId Client::subscribe(std::string_view filter, int qos, const SubscribeOptions& options) {
  require_filter(filter);
  require(options.retain_handling <= 2, "retain handling is 0, 1 or 2");
  require(options.subscription_identifier <= wire::kMaxRemainingLength, "a subscription identifier is below 2^28");
  wire::PropertyWriter properties;
  if (options.subscription_identifier != 0) {
    properties.add_number(PropertyId::subscription_identifier, options.subscription_identifier);
  }
  const wire::SubscriptionOptions inner{qos_of(qos), options.no_local, options.retain_as_published,
                                        options.retain_handling};
  return implementation_->inner().subscribe({{std::string(filter), inner}}, std::move(properties));
}

RequestId Client::unsubscribe(std::string_view filter) {
  require_filter(filter);
  return implementation_->inner().unsubscribe({{std::string(filter), {}}});
}

void Client::acknowledge(std::uint64_t ack_token, std::uint8_t reason) {
  implementation_->inner().acknowledge(unpack(ack_token), static_cast<wire::ReasonCode>(reason));
}

bool Client::connected() const {
  return implementation_->inner().connected();
}

}  // namespace martlet
