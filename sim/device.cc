// Connections and sessions.
#include "sim/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace martlet::sim {

using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

namespace {

constexpr std::uint32_t kMostPacketBytes = 1u << 20;

}  // namespace

Device::Device(std::size_t number, const ClientSettings& settings, const Surroundings& surroundings)
    : number_(number),
      settings_(settings),
      world_(surroundings),
      client_id_(fmt::format("c{}", number)),
      framer_(kMostPacketBytes) {}

void Device::violated(const std::string& what) {
  world_.oracle.violated(fmt::format("{}: {}", client_id_, what));
}

// ---- what it does

void Device::act() {
  if (!left_behind_.empty() && world_.chance(20)) {
    world_.network.leave(left_behind_.back());
    left_behind_.pop_back();
  }
  switch (phase_) {
    case Phase::offline:
      if (world_.chance(50)) connect();
      return;
    case Phase::connecting:
      // A clean start that arrives later than the next CONNECT could not be told from it by a 3.x client.
      if ((settings_.v5() || !asked_clean_) && world_.chance(5)) leave_link();
      return;
    case Phase::leaving:
      if (world_.chance(20)) leave_link();
      return;
    case Phase::connected:
      break;
  }
  if (settings_.shares_much) {
    const bool member =
        world_.oracle.possible(number_, kFirstShared) || world_.oracle.possible(number_, kFirstShared + 1);
    if (!member) return subscribe();
    if (world_.chance(4)) return world_.chance(50) ? say_goodbye() : take_over();
  }
  const std::uint64_t what = world_.random.below(100);
  if (what < 60) {
    for (std::uint64_t left = 1 + world_.random.below(3); left > 0; --left) publish();
  } else if (what < 74) {
    subscribe();
  } else if (what < 79) {
    unsubscribe();
  } else if (what < 88) {
    send_acknowledgements();
  } else if (what < 92) {
    stall();
  } else if (what < 94) {
    write(wire::Pingreq());
  } else if (what < 96) {
    say_goodbye();
  } else if (what < 98) {
    take_over();
  } else {
    world_.trace.add(static_cast<int>(number_), "closes without a word");
    leave_link();
  }
}

void Device::connect() {
  const auto link = world_.network.knock();
  if (!link) return;
  link_ = link;
  server_left_ = false;
  over_ms_ = kNever;
  phase_ = Phase::connecting;
  framer_ = wire::Framer(kMostPacketBytes);
  aliases_.assign(settings_.topic_alias_maximum + 1u, {});
  // Of a 3.x client, clean means that the session is not kept either.
  const bool always = !settings_.persistent() && !settings_.v5();
  const bool may = !settling_ && (settings_.v5() || !settings_.may_share);
  write_connect(must_clean_ || always || (may && world_.chance(settings_.shares_much ? 40 : 6)));
}

// The client opens a second connection, as after a change of its network: the broker thinks that the first is alive.
void Device::take_over() {
  world_.trace.add(static_cast<int>(number_), "takes over");
  left_behind_.push_back(*link_);
  connection_ended();
  connect();
}

void Device::write_connect(bool clean) {
  asked_clean_ = clean;
  keeps_session_ = settings_.persistent() && (settings_.v5() || !clean);
  if (clean) {
    must_clean_ = true;
    forget_session();
    session_ = Session::unknown;
  } else if (session_ == Session::none) {
    session_ = Session::unknown;
  }
  wire::PropertyWriter properties;
  wire::Connect packet;
  packet.version = settings_.version;
  packet.clean_start = clean;
  packet.client_id = client_id_;
  packet.keep_alive_s = settling_ ? std::uint16_t{0} : settings_.keep_alive_s;
  if (settings_.persistent()) properties.add_number(PropertyId::session_expiry_interval, settings_.expiry_s);
  if (settings_.receive_maximum != 0) {
    properties.add_number(PropertyId::receive_maximum, settings_.receive_maximum);
  }
  if (settings_.topic_alias_maximum != 0) {
    properties.add_number(PropertyId::topic_alias_maximum, settings_.topic_alias_maximum);
  }
  packet.properties = properties.properties();
  wire::PropertyWriter will_properties;
  const auto will = make_will(packet, will_properties);
  world_.trace.add(static_cast<int>(number_), clean ? "CONNECT clean" : "CONNECT", *link_, will.value_or(0));
  write(packet);
}

std::optional<MessageId> Device::make_will(wire::Connect& packet, wire::PropertyWriter& properties) {
  if (settling_ || !world_.chance(35)) {
    world_.wills.connect_sent(number_, {});
    return std::nullopt;
  }
  Message message;
  message.publisher = static_cast<std::uint8_t>(number_);
  message.topic = static_cast<TopicId>(world_.random.below(kTopicCount));
  message.qos = static_cast<QoS>(world_.random.below(3));
  message.retain = world_.chance(10);
  message.will = true;
  message.size_bytes = kLeastPayloadBytes;
  std::uint32_t delay_s = 0;
  if (settings_.v5() && world_.chance(40)) delay_s = static_cast<std::uint32_t>(1 + world_.random.below(9));
  const MessageId id = world_.oracle.publish(message);
  write_payload(id, message.size_bytes, payload_);
  if (delay_s != 0) properties.add_number(PropertyId::will_delay_interval, delay_s);
  packet.will = wire::Will{kTopics[message.topic], payload_, message.qos, message.retain, properties.properties()};
  const std::int64_t delay_ms = std::int64_t{std::min(delay_s, settings_.expiry_s)} * 1'000;
  world_.wills.connect_sent(number_, {id, delay_ms, keeps_session_, !overtaken_.empty()});
  return id;
}

void Device::say_goodbye() {
  wire::PropertyWriter properties;
  wire::Disconnect packet;
  bool takes_will = true;
  if (settings_.v5() && world_.chance(25)) {
    packet.reason = ReasonCode::disconnect_with_will;
    takes_will = false;
  } else if (settings_.v5() && settings_.persistent() && world_.chance(settings_.shares_much ? 70 : 25)) {
    properties.add_number(PropertyId::session_expiry_interval, 0);
    packet.properties = properties.properties();
    must_clean_ = true;
  }
  world_.trace.add(static_cast<int>(number_), "DISCONNECT", takes_will, must_clean_);
  send_acknowledgements();
  write(packet);
  if (takes_will) world_.wills.goodbye_sent(number_);
  const auto link = link_;
  std::vector<std::uint8_t> unsent = std::move(unsent_);
  connection_ended();
  unsent_ = std::move(unsent);
  if (must_clean_) {
    forget_session();
    session_ = Session::unknown;
  }
  link_ = link;
  phase_ = Phase::leaving;
  goodbye_counts_ = !world_.network.server_blocked(*link_);
}

void Device::stall() {
  reads_again_ = world_.oracle.step() + static_cast<Step>(1 + world_.random.below(200));
  world_.trace.add(static_cast<int>(number_), "stops reading", reads_again_);
}

// ---- how connections and sessions end

void Device::leave_link() {
  const env::sim::LinkId link = *link_;
  connection_ended();
  world_.network.leave(link);
}

// Whoever ended it: what belonged to the connection is gone, the session goes on or not.
void Device::connection_ended() {
  connection_over();
  if (phase_ == Phase::connecting) {
    unanswered_ = true;
    if (!server_left_) overtaken_.push_back(*link_);
  }
  link_.reset();
  phase_ = Phase::offline;
  unsent_.clear();
  acknowledgements_.clear();
  unfinished_.clear();
  request_.reset();
  reads_again_ = 0;
  if (!keeps_session_) {
    forget_session();
    session_ = Session::none;
  }
}

void Device::lost() {
  world_.trace.add(static_cast<int>(number_), "connection lost", *link_);
  leave_link();
}

void Device::forget_session() {
  for (const Exchange& exchange : outgoing_) given_up_.push_back(exchange.message);
  outgoing_.clear();
  incoming_.clear();
  world_.oracle.session_over(number_);
}

void Device::connection_over() {
  over_ms_ = std::min(over_ms_, world_.wills.earliest_end().ms);
  if (phase_ == Phase::connected) ended_ms_ = over_ms_;
  if (keeps_session_) world_.oracle.session_waits(number_, ended_ms_ + std::int64_t{settings_.expiry_s} * 1'000);
  world_.wills.connection_over(number_);
}

void Device::on_cut() {
  connection_over();
}

// The broker may have closed its side without the client knowing yet.
void Device::check_server() {
  std::erase_if(overtaken_, [this](env::sim::LinkId link) { return world_.network.server_left(link); });
  if (!link_ || server_left_) return;
  // Who sends its last words reads on, but heeds nothing.
  goodbye_counts_ &= !world_.network.server_blocked(*link_);
  if (!world_.network.server_left(*link_)) return;
  server_left_ = true;
  const bool all = unsent_.empty() && world_.network.server_read_all(*link_);
  if (phase_ == Phase::leaving && all && goodbye_counts_) world_.wills.goodbye_taken(number_);
  connection_over();
  world_.wills.noticed(number_);
}

// ---- the end of the run

void Device::settle() {
  settling_ = true;
  reads_again_ = 0;
  for (const env::sim::LinkId link : left_behind_) world_.network.leave(link);
  left_behind_.clear();
  if (phase_ == Phase::leaving) leave_link();
}

bool Device::at_rest() {
  if (phase_ == Phase::offline) connect();
  send_acknowledgements();
  push();
  return phase_ == Phase::connected && outgoing_.empty() && incoming_.empty() && unsent_.empty() && !request_;
}

std::string Device::unrest() const {
  return fmt::format("{}: phase {}, {} to send, {} to receive, {} bytes unsent, {}", client_id_,
                     static_cast<int>(phase_), outgoing_.size(), incoming_.size(), unsent_.size(),
                     request_ ? "a request" : "no request");
}

void Device::subscribe_to_everything() {
  wire::SubscriptionOptions options;
  options.qos = QoS::exactly_once;
  write_subscribe(kEverything, options, false);
}

}  // namespace martlet::sim
