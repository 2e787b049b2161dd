// Martlet's MQTT client library: MQTT 3.1, 3.1.1 and 5.0, reconnecting, resending, on one thread.
//
//   martlet::Client client({.host = "localhost", .client_id = "me"});
//   client.on_message = [](const martlet::Message& message) { std::cout << message.topic << '\n'; };
//   client.subscribe("a/#", 1);
//   client.start();
//   client.run();
//
// All functions, except wake(), belong to the thread that made the client; all callbacks come from inside run() or
// turn(), and may call every function but those two.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet {

// Protocol level of CONNECT.
enum class MqttVersion : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5_0 = 5 };

// Properties of a message (5.0). Earlier versions leave them out.
struct MessageProperties {
  std::string content_type = {};
  std::string response_topic = {};
  std::string correlation_data = {};
  std::optional<bool> payload_is_text = {};  // the payload format indicator
  std::optional<std::uint32_t> message_expiry_s = {};
  std::vector<std::pair<std::string, std::string>> user_properties = {};
};

struct ClientWill {
  std::string topic = {};
  std::string payload = {};
  int qos = 0;
  bool retain = false;
  std::uint32_t delay_s = 0;  // 5.0
  MessageProperties properties = {};
};

struct ClientSettings {
  std::string host = "localhost";
  std::uint16_t port = 1883;
  MqttVersion version = MqttVersion::v5_0;
  std::string client_id = {};  // empty: the server gives one (5.0, or with clean_start)
  bool clean_start = true;     // of the first connection
  // How long the server keeps the session after a connection (5.0); 0xFFFFFFFF for ever.
  std::uint32_t session_expiry_s = 0;
  std::uint16_t keep_alive_s = 60;  // 0: none
  std::optional<std::string> username = std::nullopt;
  std::optional<std::string> password = std::nullopt;
  std::optional<ClientWill> will = std::nullopt;

  std::uint16_t receive_maximum = 1'000;       // QoS 1 and 2 messages that the server may have under way to us
  std::uint32_t max_packet_bytes = 1u << 28;   // largest packet accepted
  std::uint16_t topic_alias_maximum = 16;      // aliases that the server may use
  std::uint16_t max_in_flight = 1'000;         // our unacknowledged messages; the server may allow less
  std::uint32_t max_queued_messages = 10'000;  // the outbox: what waits for the server or for a connection
  std::uint64_t max_queued_bytes = 16u << 20;

  bool reconnect = true;
  std::chrono::milliseconds reconnect_first{1'000};  // doubled after each failure, with jitter
  std::chrono::milliseconds reconnect_longest{60'000};
  bool manual_ack = false;  // QoS 1 and 2 messages are acknowledged by acknowledge() only
};

// A received message. The views die when the callback returns.
struct Message {
  std::string_view topic;
  std::string_view payload;
  int qos = 0;
  bool retain = false;
  bool duplicate = false;  // the server sent it before
  MessageProperties properties = {};
  std::vector<std::uint32_t> subscription_identifiers = {};
  // For acknowledge().
  std::uint64_t ack_token = 0;
};

struct Connection {
  bool session_present = false;
  std::string client_id = {};  // as it holds now
};

struct Disconnection {
  std::uint8_t reason = 0;            // the server's reason code, 0 if it gave none
  std::string text = {};              // in words
  std::string server_reference = {};  // where a redirect points; following it is up to you
  // When the client tries again; nothing: it has stopped.
  std::optional<std::chrono::milliseconds> retry_in = {};
};

struct SubscribeOptions {
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;           // 0 always, 1 to a new subscription, 2 never
  std::uint32_t subscription_identifier = 0;  // 0: none
};

// Names a publish or a subscribe in its callback.
using RequestId = std::uint32_t;

class Client {
 public:
  // Throws std::system_error if the system has no descriptors left, std::invalid_argument for a setting that MQTT does
  // not allow.
  explicit Client(const ClientSettings& settings);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Set before start().
  std::function<void(const Connection&)> on_connected;
  // The connection failed, was refused or was lost.
  std::function<void(const Disconnection&)> on_disconnected;
  std::function<void(const Message&)> on_message;
  // A publish is over: 0 or another reason below 0x80 is success. 0x97: the outbox was full.
  std::function<void(RequestId, std::uint8_t reason)> on_published;
  // One reason for each filter; below 0x80 it is the granted QoS. Comes again when a new session was subscribed anew.
  std::function<void(RequestId, const std::vector<std::uint8_t>& reasons)> on_subscribed;

  // Begins to connect, in the next turn.
  void start();
  // Says goodbye; run() returns once that is sent. `session_expiry_s` changes how long the server keeps the session.
  void stop(std::optional<std::uint32_t> session_expiry_s = std::nullopt);
  bool stopped() const;

  // Turns until the client has stopped.
  void run();
  // One turn: waits for at most `longest` and handles what happened.
  void turn(std::chrono::milliseconds longest);
  // Ends the current or the next wait. Any thread.
  void wake();

  // Puts a message into the outbox, connected or not. Throws std::invalid_argument for what is no topic name or QoS.
  RequestId publish(std::string_view topic, std::string_view payload, int qos = 0, bool retain = false,
                    const MessageProperties& properties = {});
  // The outbox takes a further message of this size.
  bool has_room(std::size_t payload_bytes) const;
  // Messages that are not over.
  std::size_t unfinished() const;

  // Throw std::invalid_argument for what is no topic filter or QoS.
  RequestId subscribe(std::string_view filter, int qos = 0, const SubscribeOptions& options = {});
  RequestId unsubscribe(std::string_view filter);

  // With manual_ack: the message is safe. Nothing happens if its connection is gone: it comes again.
  void acknowledge(std::uint64_t ack_token, std::uint8_t reason = 0);

  bool connected() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace martlet
