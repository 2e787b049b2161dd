// A simulated client: it keeps its session across connections as the specification asks, says everything that happens
// to the oracle, and does what chance tells it. Its own small state machine, not the product's, so that no mistake is
// made on both sides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_chain.h"
#include "sim/surroundings.h"
#include "wire/framer.h"
#include "wire/packet.h"

namespace martlet::sim {

class Device {
 public:
  Device(std::size_t number, const ClientSettings& settings, const Surroundings& surroundings);

  // ---- from the world
  // Does one thing of its own accord.
  void act();
  // Bytes or the end arrived, or there is room to send.
  void on_network();
  // The link was cut, or the broker closed its side: the connection is over, whoever knows it.
  void on_cut();
  void check_server();
  std::optional<env::sim::LinkId> link() const { return link_; }

  // ---- for the end
  // From now on it only connects, answers, and finishes what it began.
  void settle();
  // Reconnects if need be. True if it is connected and nothing of its own is unfinished.
  bool at_rest();
  // What keeps it from rest, for people.
  std::string unrest() const;
  void subscribe_to_everything();

 private:
  enum class Phase : std::uint8_t { offline, connecting, connected, leaving };
  enum class Progress : std::uint8_t { published, released };
  struct Exchange {
    std::uint16_t packet_id;
    MessageId message;
    Progress progress;
  };
  struct Incoming {
    std::uint16_t packet_id;
    std::optional<MessageId> message;  // nothing: one without a payload
  };
  struct Request {
    std::uint16_t packet_id;
    FilterId filter;
    bool subscribes;
  };
  enum class Session : std::uint8_t { none, unknown, certain };

  // device.cc: connections and sessions
  void connect();
  void take_over();
  void write_connect(bool clean);
  std::optional<MessageId> make_will(wire::Connect& packet, wire::PropertyWriter& properties);
  void say_goodbye();
  void stall();
  void leave_link();
  void connection_ended();
  void connection_over();
  void lost();
  void forget_session();
  void check_session(bool present);

  // device_publish.cc: what it sends
  void publish();
  void write_publish(const Exchange& exchange, bool dup);
  void subscribe();
  void unsubscribe();
  void write_subscribe(FilterId filter, wire::SubscriptionOptions options, bool with_identifier);
  std::uint16_t next_packet_id();
  void write(const wire::Packet& packet);
  void push();
  void send_acknowledgements();
  void resume();

  // device_receive.cc: what comes
  void read();
  void on_packet(const wire::Packet& packet);
  void on_connack(const wire::Connack& connack);
  void on_publish(const wire::Publish& publish);
  void on_ack(const wire::PublishAck& ack);
  void on_answer(const wire::FilterAck& answer);
  std::optional<TopicId> topic_of(const wire::Publish& publish);
  void check_identifiers(const wire::Publish& publish, TopicId topic);
  void hand_to_application(const wire::Publish& publish, std::optional<MessageId> message, TopicId topic);
  void count_in(std::uint16_t packet_id);
  void count_out(std::uint16_t packet_id);
  void violated(const std::string& what);

  const std::size_t number_;
  const ClientSettings& settings_;
  Surroundings world_;
  const std::string client_id_;
  bool settling_ = false;

  // The session.
  Session session_ = Session::none;
  bool keeps_session_ = false;  // the session outlives its connection
  bool must_clean_ = false;     // a clean start was asked for and not confirmed
  std::int64_t ended_ms_ = 0;   // the last connection that was confirmed
  std::vector<Exchange> outgoing_;
  std::vector<Incoming> incoming_;
  std::vector<MessageId> given_up_;  // of sessions that ended; settled with the next connection
  std::uint16_t last_packet_id_ = 0;

  // The connection.
  Phase phase_ = Phase::offline;
  std::optional<env::sim::LinkId> link_;
  std::vector<env::sim::LinkId> left_behind_;  // taken over, and not closed
  std::vector<env::sim::LinkId> overtaken_;    // left without an answer, and the broker may still read its CONNECT
  bool server_left_ = false;
  bool goodbye_counts_ = false;    // the broker has not ended the connection before it reads the DISCONNECT
  std::int64_t over_ms_ = kNever;  // the connection is over since then, known to this side or not
  bool asked_clean_ = false;
  bool unanswered_ = false;  // an earlier CONNECT got no CONNACK
  wire::Framer framer_;
  std::vector<std::uint8_t> unsent_;
  std::vector<wire::PublishAck> acknowledgements_;  // to be sent
  std::vector<std::uint16_t> unfinished_;           // of the broker's, against our receive maximum
  std::vector<std::string> aliases_;
  std::optional<Request> request_;
  std::uint32_t window_ = 0;
  Step reads_again_ = 0;  // a slow reader's pause

  ByteChain scratch_;
  std::vector<std::uint8_t> payload_;
};

}  // namespace martlet::sim
