#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/testing/small_server.h"
#include "martlet/client.h"

namespace martlet {
namespace {

using client::testing::SmallServer;
using ::testing::ElementsAre;

class PublicClientTest : public ::testing::Test {
 protected:
  ::testing::AssertionResult until(Client& client, const std::function<bool()>& done) {
    for (int turns = 0; !done(); ++turns) {
      if (turns == 100'000) return ::testing::AssertionFailure() << "nothing happens";
      client.turn(std::chrono::milliseconds(0));
      server.turn();
    }
    return ::testing::AssertionSuccess();
  }

  std::unique_ptr<env::Clock> clock = env::posix::make_clock();
  std::unique_ptr<env::Network> network = env::posix::make_network().value();
  SmallServer server{*network, *clock};
  ClientSettings settings{.host = "127.0.0.1", .port = server.at().port, .client_id = "public"};
};

TEST_F(PublicClientTest, PublishesSubscribesReceivesAndStops) {
  Client client(settings);
  std::string client_id;
  std::vector<std::string> received;
  std::vector<std::uint8_t> granted;
  std::vector<std::uint8_t> published;
  client.on_connected = [&](const Connection& connection) { client_id = connection.client_id; };
  client.on_message = [&](const Message& message) {
    received.push_back(std::string(message.topic) + "=" + std::string(message.payload));
  };
  client.on_subscribed = [&](RequestId, const std::vector<std::uint8_t>& reasons) { granted = reasons; };
  client.on_published = [&](RequestId, std::uint8_t reason) { published.push_back(reason); };
  client.subscribe("a/#", 1);
  client.publish("out", "payload", 2, false, {.content_type = "text/plain", .user_properties = {{"k", "v"}}});
  client.start();
  ASSERT_TRUE(until(client, [&] { return granted.size() == 1 && published.size() == 1; }));
  EXPECT_EQ(client_id, "public");
  EXPECT_EQ(published[0], 0);
  EXPECT_EQ(server.messages.at(0).payload, "payload");

  server.send("a/b", "hello", wire::QoS::at_least_once);
  ASSERT_TRUE(until(client, [&] { return received.size() == 1; }));
  EXPECT_THAT(received, ElementsAre("a/b=hello"));
  client.stop();
  ASSERT_TRUE(until(client, [&] { return client.stopped() && server.goodbye; }));
}

TEST_F(PublicClientTest, ManualAcknowledgement) {
  settings.manual_ack = true;
  Client client(settings);
  std::uint64_t token = 0;
  bool up = false;
  client.on_connected = [&](const Connection&) { up = true; };
  client.on_message = [&](const Message& message) { token = message.ack_token; };
  client.start();
  ASSERT_TRUE(until(client, [&] { return up; }));
  server.send("t", "m", wire::QoS::at_least_once);
  ASSERT_TRUE(until(client, [&] { return token != 0; }));
  EXPECT_EQ(server.state->outgoing.in_flight(), 1u);
  client.acknowledge(token);
  ASSERT_TRUE(until(client, [&] { return server.state->outgoing.in_flight() == 0; }));
}

TEST_F(PublicClientTest, RefusalIsTold) {
  server.connack = wire::ReasonCode::not_authorized;
  server.connack_text = "who are you";
  Client client(settings);
  std::vector<Disconnection> told;
  client.on_disconnected = [&](const Disconnection& disconnection) { told.push_back(disconnection); };
  client.start();
  ASSERT_TRUE(until(client, [&] { return client.stopped(); }));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].reason, 0x87);
  EXPECT_EQ(told[0].text, "who are you");
  EXPECT_FALSE(told[0].retry_in);
}

TEST_F(PublicClientTest, WhatMqttDoesNotAllowIsRefused) {
  Client client(settings);
  EXPECT_THROW(client.publish("a/#", "x"), std::invalid_argument);
  EXPECT_THROW(client.publish("", "x"), std::invalid_argument);
  EXPECT_THROW(client.publish("a", "x", 3), std::invalid_argument);
  EXPECT_THROW(client.publish("a", "x", 0, false, {.response_topic = "+"}), std::invalid_argument);
  EXPECT_THROW(client.subscribe("a#"), std::invalid_argument);
  EXPECT_THROW(client.subscribe("#/a"), std::invalid_argument);
  EXPECT_THROW(client.subscribe("a+/b"), std::invalid_argument);
  EXPECT_THROW(client.subscribe("\xFF"), std::invalid_argument);
  EXPECT_NO_THROW(client.subscribe("+/a/+/#", 2));
  EXPECT_THROW(Client({.receive_maximum = 0}), std::invalid_argument);
  EXPECT_EQ(client.unfinished(), 0u);
}

}  // namespace
}  // namespace martlet
