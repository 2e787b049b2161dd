// A client endpoint against a server endpoint that both keep their sessions, over a transport that delivers bytes in
// any pieces and is cut at any byte; what has a ticket waits for any time. Whatever happens, QoS 1 arrives, QoS 2
// arrives once, the order per topic and QoS holds, and nothing is stuck in the end.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <map>
#include <set>
#include <tuple>

#include "session/test_support.h"

namespace martlet::session::test {
namespace {

using wire::ProtocolVersion;
using wire::QoS;

constexpr std::size_t kTopics = 3;

std::size_t below(std::size_t bound) {
  return *rc::gen::inRange<std::size_t>(0, bound);
}

// One side and its owner: stores at once, but learns of durability later.
class Party : private DeliveryObserver {
 public:
  Party(Role role, const QueueLimits& queue) {
    options_.role = role;
    options_.queue = queue;
  }

  // A new connection with limits of its own.
  void open(const Now& now) {
    out.clear();
    options_.receive_maximum = static_cast<std::uint16_t>(1 + below(4));
    options_.max_in_flight = static_cast<std::uint16_t>(1 + below(5));
    options_.topic_alias_maximum = static_cast<std::uint16_t>(below(3));
    options_.outbox_high_bytes = below(3) == 0 ? 40 : 4000;
    endpoint.emplace(options_, now);
    endpoint->durable(durable_, out);
  }
  void connect(const wire::Connect& packet, const Now& now) { endpoint->connect(packet, state, now, out); }

  void publish(std::size_t topic, QoS qos, const Now& now) {
    const std::string payload = std::to_string(published_++);
    const std::string name = "topic/" + std::to_string(topic);
    Delivery made;
    made.message = message(name, payload);
    made.qos = qos;
    owed[{name, qos}].push_back(payload);
    if (!endpoint->connected()) return state.outgoing.enqueue(std::move(made), options_.queue, Now{}, *this);
    endpoint->deliver(std::move(made), now, out, *this);
  }
  void pump(const Now& now) { endpoint->pump(now, out, *this); }
  void become_durable(std::uint64_t count) {
    durable_ = std::min(durable_ + count, stored_);
    endpoint->durable(durable_, out);
  }
  bool all_durable() const { return durable_ == stored_; }

  void receive(ByteView bytes, const Now& now) {
    for (;;) {
      const Event event = endpoint->receive(bytes, now, out);
      if (std::holds_alternative<NeedMore>(event)) break;
      std::visit([&](const auto& e) { on(e, now); }, event);
    }
    RC_ASSERT(endpoint->window_used() <= endpoint->window_size());
  }

  std::optional<Endpoint> endpoint;
  SessionState state;
  ByteChain out;
  std::map<std::pair<std::string, QoS>, Texts> owed;  // published, less what a full queue dropped
  std::map<std::pair<std::string, QoS>, Texts> received;

 private:
  Ticket store() { return Ticket::at(++stored_); }

  void on(const ConnectRequested&, const Now& now) {
    Acceptance acceptance;
    acceptance.state = &state;
    acceptance.session_present = known_;
    acceptance.ticket = known_ ? Ticket::done() : store();
    known_ = true;
    endpoint->accept(acceptance, now, out, *this);
  }
  void on(const PublishReceived& e, const Now&) {
    received[{std::string(e.publish.topic), e.publish.qos}].emplace_back(as_text(e.publish.payload));
    const Ticket ticket = e.publish.qos == QoS::at_most_once ? Ticket::done() : store();
    endpoint->publish_done(e.publish, ticket, wire::ReasonCode::success, {}, out);
  }
  void on(const ReleaseDue& e, const Now&) { endpoint->release_sent(e.packet_id, store(), out); }
  void on(const Released& e, const Now&) { endpoint->complete(e.packet_id, store(), out); }
  void on(const Connected&, const Now& now) { pump(now); }
  void on(const DeliveryFinished&, const Now& now) { pump(now); }
  void on(const Handled&, const Now&) {}
  void on(const DisconnectReceived&, const Now&) {}
  void on(const Failed& e, const Now&) { RC_FAIL(std::string("failed: ") + e.error.clause + " " + e.error.what); }
  template <class Other>
  void on(const Other& e, const Now&) {
    RC_FAIL("unexpected: " + describe(Event(e)));
  }

  void sent(const Delivery&) override {}
  void queued(const Delivery&) override {}
  void dropped(const Delivery& delivery, DropReason reason) override {
    RC_ASSERT(reason == DropReason::queue_full);
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
      std::erase(owed[{std::string(delivery.message->topic()), qos}], as_text(delivery.message->payload()));
    }
  }

  EndpointOptions options_;
  std::size_t published_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t durable_ = 0;
  bool known_ = false;
};

class Pair {
 public:
  Pair(ProtocolVersion version, const QueueLimits& queue)
      : version_(version), client_(Role::client, queue), server_(Role::server, queue) {
    reconnect();
  }

  // One thing that may happen, drawn at random.
  void step() {
    Party& party = below(2) == 0 ? client_ : server_;
    now_.mono_ms += 1;
    switch (below(16)) {
      case 0:
        return reconnect();
      case 1:
        return part();
      case 2:
      case 3:
        return party.become_durable(1 + below(4));
      case 4:
        return party.pump(now_);
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        return party.publish(below(kTopics), static_cast<QoS>(below(3)), now_);
      default:
        return carry(party, 1 + below(80));
    }
  }

  // The transport is good and everything becomes durable, until nothing moves any more.
  void settle() {
    for (int rounds = 0; rounds < 2; ++rounds) {
      if (closed() || rounds == 0) reconnect();
      for (bool moved = true; moved;) {
        moved = false;
        for (Party* party : {&client_, &server_}) {
          moved |= !party->all_durable();
          party->become_durable(1'000'000);
          party->pump(now_);
          moved |= !party->out.empty();
          carry(*party, party->out.size());
        }
      }
    }
  }

  void check() const {
    check_direction(client_, server_);
    check_direction(server_, client_);
    for (const Party* party : {&client_, &server_}) {
      RC_ASSERT(party->state.outgoing.in_flight() == 0u);
      RC_ASSERT(party->state.outgoing.waiting_messages() == 0u);
      RC_ASSERT(party->state.outgoing.waiting_bytes() == 0u);
      RC_ASSERT(party->state.incoming.size() == 0u);
      RC_ASSERT(party->endpoint->window_used() == 0u);
    }
  }

 private:
  bool closed() const { return client_.endpoint->closed() || server_.endpoint->closed(); }

  // The connection is cut with whatever was under way; a new one is made.
  void reconnect() {
    server_.open(now_);
    client_.open(now_);
    wire::Connect packet;
    packet.version = version_;
    packet.client_id = "client";
    packet.clean_start = false;
    client_.connect(packet, now_);
  }
  // One side says goodbye.
  void part() {
    Party& leaver = below(2) == 0 ? client_ : server_;
    leaver.endpoint->disconnect(wire::ReasonCode::success, {}, leaver.out);
    carry(leaver, leaver.out.size());
    reconnect();
  }
  // Takes up to `count` bytes from one side to the other.
  void carry(Party& from, std::size_t count) {
    Party& to = &from == &client_ ? server_ : client_;
    while (count > 0 && !from.out.empty()) {
      ByteView view;
      from.out.front(&view, 1);
      const Bytes piece(view.begin(), view.begin() + static_cast<std::ptrdiff_t>(std::min(count, view.size())));
      from.out.consume(piece.size());
      count -= piece.size();
      to.receive(piece, now_);
    }
  }

  static void check_direction(const Party& from, const Party& to) {
    for (std::size_t i = 0; i < kTopics; ++i) {
      const std::string topic = "topic/" + std::to_string(i);
      RC_ASSERT(first_arrivals(to, topic, QoS::at_least_once) == list(from.owed, topic, QoS::at_least_once));
      RC_ASSERT(list(to.received, topic, QoS::exactly_once) == list(from.owed, topic, QoS::exactly_once));
      RC_ASSERT(is_subsequence(list(to.received, topic, QoS::at_most_once), list(from.owed, topic, QoS::at_most_once)));
    }
  }
  static Texts list(const std::map<std::pair<std::string, QoS>, Texts>& lists, const std::string& topic, QoS qos) {
    const auto at = lists.find({topic, qos});
    return at == lists.end() ? Texts() : at->second;
  }
  static Texts first_arrivals(const Party& to, const std::string& topic, QoS qos) {
    Texts first;
    std::set<std::string> seen;
    for (const std::string& payload : list(to.received, topic, qos)) {
      if (seen.insert(payload).second) first.push_back(payload);
    }
    return first;
  }
  static bool is_subsequence(const Texts& part, const Texts& whole) {
    std::size_t at = 0;
    for (const std::string& text : whole) {
      if (at < part.size() && part[at] == text) ++at;
    }
    return at == part.size();
  }

  ProtocolVersion version_;
  Party client_;
  Party server_;
  Now now_{1, 1};
};

void run(ProtocolVersion version) {
  QueueLimits queue;
  if (below(2) == 0) {
    queue.max_messages = static_cast<std::uint32_t>(1 + below(4));
    queue.policy = below(2) == 0 ? DropPolicy::drop_oldest : DropPolicy::drop_newest;
  }
  Pair pair(version, queue);
  for (std::size_t steps = below(400); steps > 0; --steps) pair.step();
  pair.settle();
  pair.check();
}

RC_GTEST_PROP(EndpointPair, KeepsEveryPromiseIn5, ()) {
  run(ProtocolVersion::v5_0);
}

RC_GTEST_PROP(EndpointPair, KeepsEveryPromiseIn3_1_1, ()) {
  run(ProtocolVersion::v3_1_1);
}

}  // namespace
}  // namespace martlet::session::test
