// A server endpoint on hostile bytes. The first byte picks options and the sizes of the chunks; the rest is what a
// client sends. Whole and in chunks it must tell the same and write the same, and what it writes must be legal.
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "session/endpoint.h"
#include "session/test_support.h"

namespace {

using namespace martlet;
using namespace martlet::session;
using session::test::Bytes;
using session::test::describe;
using session::test::Texts;

struct SilentObserver : DeliveryObserver {
  void sent(const Delivery&) override {}
  void queued(const Delivery&) override {}
  void dropped(const Delivery&, DropReason) override {}
};

EndpointOptions options_of(std::uint8_t setting) {
  EndpointOptions options;
  options.max_packet_bytes = 4096;
  options.receive_maximum = 3;
  options.topic_alias_maximum = 2;
  options.max_in_flight = 2;
  options.queue = {4, 4096, (setting & 1) != 0 ? DropPolicy::drop_oldest : DropPolicy::drop_newest};
  if ((setting & 2) != 0) options.maximum_qos = wire::QoS::at_least_once;
  if ((setting & 4) != 0) options.retain_available = false;
  return options;
}

// The simplest owner: lets everyone in, sends each message back, and makes things durable now and then.
class Owner {
 public:
  explicit Owner(std::uint8_t setting) : options_(options_of(setting)), holds_((setting & 8) != 0) {
    options_.queue.max_messages += setting >> 6;
  }

  void feed(ByteView bytes) {
    for (;;) {
      const Event event = endpoint_.receive(bytes, now_, out_);
      if (std::holds_alternative<NeedMore>(event)) break;
      told_.push_back(describe(event));
      std::visit([this](const auto& e) { on(e); }, event);
      endpoint_.pump(now_, out_, observer_);
      check(endpoint_.window_used() <= endpoint_.window_size() || endpoint_.window_size() == 0, "the window holds");
    }
  }
  // Nothing more comes: in the end there is silence.
  void wait() {
    endpoint_.durable(stored_, out_);
    endpoint_.pump(now_, out_, observer_);
    if (endpoint_.closed()) return;
    const DeadlineMs due = endpoint_.deadline();
    if (due == kNever) return;
    now_.mono_ms = due;
    told_.push_back(describe(endpoint_.on_time(now_, out_)));
    check(endpoint_.closed(), "silence ends the connection");
  }
  const Texts& told() const { return told_; }
  wire::ProtocolVersion version() const { return endpoint_.version(); }
  Bytes take_written() { return test::take_bytes(out_); }

 private:
  Ticket store() { return holds_ ? Ticket::at(++stored_) : Ticket::done(); }
  void accept() {
    Acceptance acceptance;
    acceptance.state = &state_;
    acceptance.ticket = store();
    acceptance.response_information = "reply/";
    endpoint_.accept(acceptance, now_, out_, observer_);
  }
  void on(const ConnectRequested& e) {
    if (e.connect.client_id == "no") return endpoint_.refuse(wire::ReasonCode::not_authorized, "not you", out_);
    if (endpoint_.authentication_method().empty()) return accept();
    endpoint_.send_auth(wire::ReasonCode::continue_authentication, endpoint_.authentication_method(), {}, out_);
  }
  void on(const AuthReceived& e) {
    if (!endpoint_.connected()) return accept();
    const auto reason = e.restart ? wire::ReasonCode::continue_authentication : wire::ReasonCode::success;
    endpoint_.send_auth(reason, endpoint_.authentication_method(), {}, out_);
  }
  void on(const PublishReceived& e) {
    const wire::Publish& publish = e.publish;
    const std::uint8_t first = publish.payload.empty() ? std::uint8_t{0} : publish.payload.front();
    if (first == 'd') endpoint_.durable(stored_, out_);
    if (first == 'x') {
      return endpoint_.publish_done(publish, store(), wire::ReasonCode::not_authorized, "no", out_);
    }
    Delivery delivery;
    delivery.message = MessageRef::make(publish.topic, publish.payload, publish.properties, {});
    delivery.qos = publish.qos;
    endpoint_.deliver(std::move(delivery), now_, out_, observer_);
    endpoint_.publish_done(publish, store(), wire::ReasonCode::success, {}, out_);
  }
  void on(const SubscribeRequested& e) { answer(wire::PacketType::suback, e.subscribe.packet_id, e.subscribe.filters); }
  void on(const UnsubscribeRequested& e) {
    answer(wire::PacketType::unsuback, e.unsubscribe.packet_id, e.unsubscribe.filters);
  }
  void answer(wire::PacketType type, std::uint16_t packet_id, const wire::FilterList& filters) {
    const Bytes reasons(filters.count());
    endpoint_.answer_request(store(), {type, packet_id, {}, reasons}, out_);
  }
  void on(const ReleaseDue& e) { endpoint_.release_sent(e.packet_id, store(), out_); }
  void on(const Released& e) { endpoint_.complete(e.packet_id, store(), out_); }
  void on(const Failed& e) {
    check(e.error.clause[0] != 0 && e.error.what[0] != 0, "a failure names its rule");
    check(endpoint_.closed(), "a failure ends the connection");
  }
  template <class Other>
  void on(const Other&) {}

  EndpointOptions options_;
  SessionState state_;
  Now now_{1000, 1000};
  Endpoint endpoint_{options_, now_};
  ByteChain out_;
  SilentObserver observer_;
  Texts told_;
  std::uint64_t stored_ = 0;
  bool holds_;
};

// CONNACK or AUTH first, nothing behind DISCONNECT or a refusal, all of it decodable by a client of that version.
void check_written(const Bytes& bytes, wire::ProtocolVersion version) {
  wire::Framer framer(wire::kMaxPacketBytes);
  ByteView rest = bytes;
  wire::Frame frame;
  bool connected = false;
  bool over = false;
  while (framer.next(rest, frame) == wire::FrameStatus::frame) {
    const auto packet = wire::decode(frame.first_byte, frame.body, version, wire::Sender::server);
    check(packet.has_value(), "what the server writes is legal");
    check(!over, "nothing follows the end");
    if (const auto* connack = std::get_if<wire::Connack>(&*packet)) {
      check(!connected, "one CONNACK");
      connected = connack->reason == wire::ReasonCode::success;
      over = !connected;
      continue;
    }
    check(connected || std::holds_alternative<wire::Auth>(*packet), "CONNACK comes first");
    over = std::holds_alternative<wire::Disconnect>(*packet);
    check(!over || version == wire::ProtocolVersion::v5_0, "a 3.x server has no DISCONNECT");
  }
  check(rest.empty() && framer.held_bytes() == 0, "packets are whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  ByteView rest(data + 1, size - 1);
  Owner whole(data[0]);
  whole.feed(rest);
  whole.wait();

  Owner chunked(data[0]);
  Random random(data[0]);
  while (!rest.empty()) {
    const std::size_t most = random.below(4) == 0 ? 200 : 5;
    const std::size_t count = std::min<std::size_t>(1 + random.below(most), rest.size());
    // A copy of its own, so that reading beyond a chunk is seen.
    const Bytes chunk(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count));
    chunked.feed(chunk);
    rest = rest.subspan(count);
  }
  chunked.wait();

  check(whole.told() == chunked.told(), "chunks do not change the events");
  const Bytes written = whole.take_written();
  check(written == chunked.take_written(), "chunks do not change the answers");
  check_written(written, whole.version());
  return 0;
}
