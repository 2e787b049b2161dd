// The client against a server in the same thread, over real loopback sockets. Time is a clock that the test moves.
#include "client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>

#include "client/testing/small_server.h"

namespace martlet::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SmallServer;
using wire::QoS;
using wire::ReasonCode;

// Moves only when the test says so.
class TestClock final : public env::Clock {
 public:
  Now now() override { return time; }
  Now time{1'000'000, 1'700'000'000'000};
};

class Recorder final : public ClientHandler {
 public:
  void connected(const wire::Connack& connack) override {
    ++times_connected;
    session_present = connack.session_present;
  }
  void refused(const wire::Connack& connack, DeadlineMs retry_at) override {
    refusals.push_back(connack.reason);
    refused_retry_at = retry_at;
  }
  void lost(const Loss& loss) override { losses.push_back(loss); }
  AckBy message(const wire::Publish& publish, const AckToken& token) override {
    messages.emplace_back(as_text(publish.payload));
    tokens.push_back(token);
    if (on_message) on_message();
    return ack_by;
  }
  void published(PublishHandle handle, ReasonCode reason) override {
    EXPECT_EQ(outcomes.count(handle), 0u) << "told twice";
    outcomes[handle] = reason;
  }
  void answered(RequestHandle handle, const wire::FilterAck& ack) override {
    answers.push_back(handle);
    last_reasons.assign(ack.reasons.begin(), ack.reasons.end());
  }

  int times_connected = 0;
  bool session_present = false;
  std::vector<ReasonCode> refusals;
  DeadlineMs refused_retry_at = 0;
  std::vector<Loss> losses;
  std::vector<std::string> messages;
  std::vector<AckToken> tokens;
  std::map<PublishHandle, ReasonCode> outcomes;
  std::vector<RequestHandle> answers;
  std::vector<std::uint8_t> last_reasons;
  std::function<void()> on_message;
  AckBy ack_by = AckBy::client;
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    options.client_id = "test";
    options.keep_alive_s = 30;
    options.server = server.at();
    options.backoff = {.first_ms = 1'000, .longest_ms = 8'000};
  }

  void make() {
    client = std::make_unique<Client>(*network, clock, 7, options, handler);
    client->start();
  }
  void connect() {
    make();
    ASSERT_TRUE(until([&] { return handler.times_connected == 1; }));
  }
  // Keeps the session through a lost connection.
  void keep_session() {
    options.clean_start = false;
    options.properties.add_number(wire::PropertyId::session_expiry_interval, 3'600);
  }

  ::testing::AssertionResult until(const std::function<bool()>& done) {
    for (int turns = 0; !done(); ++turns) {
      if (turns == 100'000) return ::testing::AssertionFailure() << "nothing happens";
      client->turn(clock.time.mono_ms);
      server.turn();
    }
    return ::testing::AssertionSuccess();
  }
  // As until(), with time passing while nothing happens.
  ::testing::AssertionResult until_in_time(const std::function<bool()>& done) {
    for (int turns = 0; !done(); ++turns) {
      if (turns == 100'000) return ::testing::AssertionFailure() << "nothing happens";
      clock.time.mono_ms += 10;
      client->turn(clock.time.mono_ms);
      server.turn();
    }
    return ::testing::AssertionSuccess();
  }
  void some_turns() {
    int turns = 0;
    EXPECT_TRUE(until([&] { return ++turns > 200; }));
  }

  PublishHandle publish(std::string_view payload, QoS qos, std::string_view topic = "t") {
    return client->publish({.topic = topic, .payload = as_bytes(payload), .qos = qos});
  }
  std::vector<std::string> payloads() const {
    std::vector<std::string> found;
    for (const auto& message : server.messages) found.push_back(message.payload);
    return found;
  }

  TestClock clock;
  std::unique_ptr<env::Network> network = env::posix::make_network().value();
  std::unique_ptr<env::Network> server_network = env::posix::make_network().value();
  SmallServer server{*server_network, clock};
  ClientOptions options;
  Recorder handler;
  std::unique_ptr<Client> client;
};

TEST_F(ClientTest, PublishesAtEveryQoSAndTellsTheEnd) {
  connect();
  const auto zero = publish("zero", QoS::at_most_once);
  const auto one = publish("one", QoS::at_least_once);
  const auto two = publish("two", QoS::exactly_once);
  EXPECT_EQ(client->unfinished(), 3u);
  ASSERT_TRUE(until([&] { return client->unfinished() == 0 && server.messages.size() == 3; }));
  EXPECT_THAT(payloads(), ElementsAre("zero", "one", "two"));
  EXPECT_EQ(handler.outcomes,
            (std::map<PublishHandle, ReasonCode>{
                {zero, ReasonCode::success}, {one, ReasonCode::success}, {two, ReasonCode::success}}));
}

TEST_F(ClientTest, SaysGoodbyeWithSessionExpiry) {
  keep_session();
  connect();
  client->stop(ReasonCode::success, 77);
  ASSERT_TRUE(until([&] { return server.goodbye.has_value() && client->finished(); }));
  EXPECT_EQ(*server.goodbye, ReasonCode::success);
  EXPECT_EQ(server.goodbye_expiry_s, 77u);
  EXPECT_THAT(handler.losses, IsEmpty());
}

TEST_F(ClientTest, WhatWasPublishedBeforeTheConnectionIsSentInOrder) {
  make();
  publish("a", QoS::at_least_once);
  publish("b", QoS::at_least_once);
  publish("c", QoS::at_least_once);
  ASSERT_TRUE(until([&] { return client->unfinished() == 0; }));
  EXPECT_THAT(payloads(), ElementsAre("a", "b", "c"));
}

TEST_F(ClientTest, QoS1IsResentWithDupAfterACut) {
  keep_session();
  connect();
  server.cut_after_publishes = 1;
  for (const char* payload : {"a", "b", "c"}) publish(payload, QoS::at_least_once);
  ASSERT_TRUE(until_in_time([&] { return client->unfinished() == 0; }));
  EXPECT_EQ(handler.times_connected, 2);
  EXPECT_TRUE(handler.session_present);
  // `a` was answered, but the answer died with the connection.
  EXPECT_THAT(payloads(), ElementsAre("a", "a", "b", "c"));
  EXPECT_FALSE(server.messages[0].dup);
  EXPECT_TRUE(server.messages[1].dup);
  EXPECT_TRUE(server.messages[2].dup);
}

TEST_F(ClientTest, QoS2ArrivesOnceAcrossCutsAtEveryStep) {
  keep_session();
  connect();
  server.cut_after_publishes = 2;
  server.cut_after_releases = 1;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    publish(expected.back(), QoS::exactly_once);
  }
  ASSERT_TRUE(until_in_time([&] { return client->unfinished() == 0; }));
  EXPECT_EQ(handler.times_connected, 3);
  EXPECT_EQ(payloads(), expected);
}

TEST_F(ClientTest, QoS2IsReceivedOnceAcrossACut) {
  keep_session();
  connect();
  server.send("t", "once", QoS::exactly_once);
  handler.on_message = [&] { server.cut(); };  // its PUBREC finds nobody
  ASSERT_TRUE(until_in_time([&] { return handler.times_connected == 2 && server.state->outgoing.in_flight() == 0; }));
  EXPECT_THAT(handler.messages, ElementsAre("once"));
}

TEST_F(ClientTest, LostSessionIsSubscribedAnewAndPublishedAsNew) {
  keep_session();
  connect();
  client->subscribe({{"a/#", {}}});
  client->subscribe({{"b", {}}});
  ASSERT_TRUE(until([&] { return handler.answers.size() == 2; }));
  server.present = false;
  server.cut_after_publishes = 0;
  publish("x", QoS::at_least_once);
  ASSERT_TRUE(until_in_time([&] { return handler.answers.size() == 4 && client->unfinished() == 0; }));
  EXPECT_FALSE(handler.session_present);
  EXPECT_THAT(server.subscribed, ElementsAre("a/#", "b", "a/#", "b"));
  ASSERT_EQ(server.messages.size(), 1u);
  EXPECT_FALSE(server.messages[0].dup);
}

TEST_F(ClientTest, KeptSessionIsNotSubscribedAgain) {
  keep_session();
  connect();
  client->subscribe({{"a", {}}});
  ASSERT_TRUE(until([&] { return handler.answers.size() == 1; }));
  server.cut();
  ASSERT_TRUE(until_in_time([&] { return handler.times_connected == 2; }));
  some_turns();
  EXPECT_THAT(server.subscribed, ElementsAre("a"));
}

TEST_F(ClientTest, CleanStartOfASessionThatOutlivesTheConnectionIsSaidOnce) {
  keep_session();
  options.clean_start = true;
  connect();
  server.cut();
  ASSERT_TRUE(until_in_time([&] { return handler.times_connected == 2; }));
  EXPECT_THAT(server.clean_starts, ElementsAre(true, false));
}

TEST_F(ClientTest, AssignedClientIdentifierIsKept) {
  keep_session();
  options.client_id.clear();
  server.assigned_client_id = "given";
  connect();
  server.cut();
  ASSERT_TRUE(until_in_time([&] { return handler.times_connected == 2; }));
  EXPECT_THAT(server.connects, ElementsAre("", "given"));
}

TEST_F(ClientTest, StaysWithinTheServersReceiveMaximum) {
  server.options.receive_maximum = 5;
  server.hold_answers = true;
  connect();
  for (int i = 0; i < 50; ++i) publish("x", QoS::at_least_once);
  ASSERT_TRUE(until([&] { return server.messages.size() == 5; }));
  some_turns();
  EXPECT_EQ(server.most_unanswered, 5u);
  server.answer_held();
  ASSERT_TRUE(until([&] { return client->unfinished() == 0; }));
  EXPECT_EQ(server.messages.size(), 50u);
}

TEST_F(ClientTest, OutboxIsBounded) {
  options.endpoint.queue.max_messages = 3;
  server.options.receive_maximum = 1;
  server.hold_answers = true;
  connect();
  std::vector<PublishHandle> handles;
  while (client->has_room(1)) handles.push_back(publish("x", QoS::at_least_once));
  EXPECT_EQ(handles.size(), 4u);  // one on its way, three waiting
  const PublishHandle too_many = publish("y", QoS::at_least_once);
  ASSERT_TRUE(until([&] { return handler.outcomes.size() == 1; }));
  EXPECT_EQ(handler.outcomes[too_many], ReasonCode::quota_exceeded);
  server.answer_held();
  ASSERT_TRUE(until([&] { return client->unfinished() == 0; }));
}

TEST_F(ClientTest, LargeBacklogOfQoS0GoesOutWhole) {
  connect();
  const std::string payload(10'000, 'x');
  for (int i = 0; i < 1'000; ++i) publish(payload, QoS::at_most_once);
  ASSERT_TRUE(until([&] { return server.messages.size() == 1'000 && client->unfinished() == 0; }));
}

TEST_F(ClientTest, AutomaticAndManualAcknowledgement) {
  connect();
  server.send("t", "auto", QoS::at_least_once);
  ASSERT_TRUE(until([&] { return server.state->outgoing.in_flight() == 0 && handler.messages.size() == 1; }));

  handler.ack_by = AckBy::user;
  server.send("t", "by hand", QoS::exactly_once);
  ASSERT_TRUE(until([&] { return handler.messages.size() == 2; }));
  some_turns();
  EXPECT_EQ(server.state->outgoing.in_flight(), 1u);
  client->acknowledge(handler.tokens[1]);
  ASSERT_TRUE(until([&] { return server.state->outgoing.in_flight() == 0; }));
}

TEST_F(ClientTest, AcknowledgementOfALostConnectionIsIgnoredAndTheMessageComesAgain) {
  keep_session();
  connect();
  handler.ack_by = AckBy::user;
  server.send("t", "m", QoS::at_least_once);
  ASSERT_TRUE(until([&] { return handler.messages.size() == 1; }));
  server.cut();
  ASSERT_TRUE(until_in_time([&] { return handler.messages.size() == 2; }));
  client->acknowledge(handler.tokens[0]);
  some_turns();
  EXPECT_EQ(server.state->outgoing.in_flight(), 1u);
  client->acknowledge(handler.tokens[1]);
  ASSERT_TRUE(until([&] { return server.state->outgoing.in_flight() == 0; }));
}

TEST_F(ClientTest, StopFromInsideAMessageEndsCleanly) {
  connect();
  handler.on_message = [&] { client->stop(); };
  server.send("t", "1", QoS::at_least_once);
  server.send("t", "2", QoS::at_least_once);
  ASSERT_TRUE(until([&] { return client->finished() && server.goodbye.has_value(); }));
  EXPECT_THAT(handler.messages, ElementsAre("1"));
}

TEST_F(ClientTest, RefusalForGoodStops) {
  server.connack = ReasonCode::not_authorized;
  make();
  ASSERT_TRUE(until([&] { return client->finished(); }));
  EXPECT_THAT(handler.refusals, ElementsAre(ReasonCode::not_authorized));
  EXPECT_EQ(handler.refused_retry_at, kNever);
}

TEST_F(ClientTest, BusyServerIsTriedAgainWithBackoff) {
  server.connack = ReasonCode::server_busy;
  make();
  ASSERT_TRUE(until([&] { return handler.refusals.size() == 1; }));
  const DeadlineMs wait_ms = handler.refused_retry_at - clock.time.mono_ms;
  EXPECT_GE(wait_ms, 500);
  EXPECT_LE(wait_ms, 1'000);
  some_turns();
  EXPECT_EQ(handler.refusals.size(), 1u);
  server.connack = ReasonCode::success;
  clock.time.mono_ms += wait_ms;
  ASSERT_TRUE(until([&] { return handler.times_connected == 1; }));
}

TEST_F(ClientTest, FirstConnectThatFailsStopsWhereAskedTo) {
  options.retry_first_connect = false;
  // A port that was free a moment ago.
  {
    auto probe = env::posix::make_network().value();
    const auto listener = probe->listen({"127.0.0.1", 0}, {}).value();
    options.server = probe->local_endpoint(listener).value();
    probe->close(listener);
  }
  make();
  ASSERT_TRUE(until([&] { return client->finished(); }));
  ASSERT_EQ(handler.losses.size(), 1u);
  EXPECT_EQ(handler.losses[0].cause, LossCause::connect_failed);
  EXPECT_EQ(handler.losses[0].text, "Connection refused");
  EXPECT_EQ(handler.losses[0].retry_at, kNever);
}

TEST_F(ClientTest, ServersGoodbyeIsToldWithItsRedirect) {
  connect();
  wire::PropertyWriter properties;
  properties.add_text(wire::PropertyId::server_reference, "other:1883");
  server.say_goodbye({ReasonCode::server_moved, properties.properties()});
  ASSERT_TRUE(until([&] { return client->finished(); }));
  ASSERT_EQ(handler.losses.size(), 1u);
  EXPECT_EQ(handler.losses[0].cause, LossCause::server_disconnect);
  EXPECT_EQ(handler.losses[0].reason, ReasonCode::server_moved);
  EXPECT_EQ(handler.losses[0].server_reference, "other:1883");
  EXPECT_EQ(handler.losses[0].retry_at, kNever);
}

TEST_F(ClientTest, ServerThatGoesDownIsTriedAgain) {
  connect();
  server.say_goodbye({ReasonCode::server_shutting_down, {}});
  ASSERT_TRUE(until_in_time([&] { return handler.times_connected == 2; }));
}

TEST_F(ClientTest, PingsAndNoticesASilentServer) {
  connect();
  for (int i = 0; i < 3; ++i) {
    clock.time.mono_ms += 30'000;
    some_turns();
  }
  EXPECT_THAT(handler.losses, IsEmpty());
  // Nobody turns the server now: the ping stays unanswered.
  for (int i = 0; i < 2 && handler.losses.empty(); ++i) {
    clock.time.mono_ms += 30'000;
    client->turn(0);
    client->turn(0);
  }
  ASSERT_EQ(handler.losses.size(), 1u);
  EXPECT_EQ(handler.losses[0].cause, LossCause::server_silent);
}

TEST_F(ClientTest, UnsubscribesAndForgets) {
  connect();
  client->subscribe({{"a", {}}, {"b", {}}});
  client->unsubscribe({{"a", {}}});
  ASSERT_TRUE(until([&] { return handler.answers.size() == 2; }));
  EXPECT_THAT(server.unsubscribed, ElementsAre("a"));
  server.cut();
  ASSERT_TRUE(until_in_time([&] { return handler.answers.size() == 3; }));
  EXPECT_THAT(server.subscribed, ElementsAre("a", "b", "b"));
}

TEST_F(ClientTest, RequestAboveTheServersPacketSizeIsAnsweredHere) {
  server.options.max_packet_bytes = 100;
  connect();
  const RequestHandle large = client->subscribe({{std::string(200, 'a'), {}}});
  ASSERT_TRUE(until([&] { return handler.answers.size() == 1; }));
  EXPECT_EQ(handler.answers[0], large);
  EXPECT_THAT(handler.last_reasons, ElementsAre(0x95));
  client->subscribe({{"b", {}}});
  ASSERT_TRUE(until([&] { return handler.answers.size() == 2; }));
  EXPECT_THAT(server.subscribed, ElementsAre("b"));
}

TEST_F(ClientTest, TraceSeesBothDirectionsOnce) {
  class Names final : public PacketTrace {
   public:
    void sent(const wire::Packet& packet) override { out.emplace_back(wire::packet_name(wire::type_of(packet))); }
    void received(const wire::Packet& packet) override { in.emplace_back(wire::packet_name(wire::type_of(packet))); }
    std::vector<std::string> out, in;
  } trace;
  client = std::make_unique<Client>(*network, clock, 7, options, handler);
  client->set_trace(&trace);
  client->start();
  ASSERT_TRUE(until([&] { return handler.times_connected == 1; }));
  publish("x", QoS::exactly_once);
  ASSERT_TRUE(until([&] { return client->unfinished() == 0; }));
  client->stop();
  ASSERT_TRUE(until([&] { return server.goodbye.has_value(); }));
  EXPECT_THAT(trace.out, ElementsAre("CONNECT", "PUBLISH", "PUBREL", "DISCONNECT"));
  EXPECT_THAT(trace.in, ElementsAre("CONNACK", "PUBREC", "PUBCOMP"));
}

}  // namespace
}  // namespace martlet::client
