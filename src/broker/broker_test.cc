// The broker as a whole on fake ports: what is hard to reach from outside. The protocol's rules are in the scenarios.
#include "broker/broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "broker/testing/fake_ports.h"
#include "session/test_support.h"

namespace martlet::broker {
namespace {

using session::test::Bytes;
using session::test::encoded;
using session::test::Texts;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using wire::PacketType;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::ProtocolVersion;
using wire::QoS;
using wire::ReasonCode;

class BrokerTest : public ::testing::Test {
 protected:
  BrokerTest() {
    options_.sys_interval_s = 0;
    options_.endpoint.alias_out_maximum = 0;
  }

  Broker& broker() {
    if (!broker_) broker_.emplace(options_, Ports{transport_, records_, all_, all_, log_}, now_);
    return *broker_;
  }
  ConnectionId open() {
    const ConnectionId id = transport_.open();
    broker().connection_opened(id, {0, "address", nullptr}, now_);
    return id;
  }
  void send(ConnectionId id, const wire::Packet& packet, ProtocolVersion version = ProtocolVersion::v5_0) {
    const Bytes bytes = encoded(packet, version);
    broker().bytes_received(id, bytes, now_);
  }
  Texts written(ConnectionId id) {
    return session::test::take_packets(transport_.at(id).outbox, ProtocolVersion::v5_0, wire::Sender::server);
  }
  // A 5.0 client that is connected, its CONNACK taken.
  ConnectionId connect(std::string_view client_id, std::uint32_t expiry_s = 0,
                       std::initializer_list<std::pair<PropertyId, std::uint32_t>> numbers = {}, bool clean = false,
                       std::uint16_t keep_alive_s = 0) {
    PropertyWriter properties;
    if (expiry_s != 0) properties.add_number(PropertyId::session_expiry_interval, expiry_s);
    for (const auto& [id, value] : numbers) properties.add_number(id, value);
    wire::Connect packet;
    packet.client_id = client_id;
    packet.clean_start = clean;
    packet.keep_alive_s = keep_alive_s;
    packet.properties = properties.properties();
    const ConnectionId id = open();
    send(id, packet);
    return id;
  }
  void lose(ConnectionId id) {
    transport_.lose(id);
    broker().connection_lost(id, LostBy::network_error, now_);
  }
  void subscribe(ConnectionId id, std::string_view filter, unsigned qos, bool no_local = false) {
    wire::FilterListWriter filters(true);
    wire::SubscriptionOptions options;
    options.qos = static_cast<QoS>(qos);
    options.no_local = no_local;
    filters.add({filter, options});
    send(id, wire::Subscribe{900, {}, filters.list()});
  }
  void unsubscribe(ConnectionId id, std::string_view filter) {
    wire::FilterListWriter filters(false);
    filters.add({filter, {}});
    send(id, wire::Unsubscribe{901, {}, filters.list()});
  }
  void publish(ConnectionId id, std::string_view topic, unsigned qos, std::string_view payload = "x",
               bool retain = false) {
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<QoS>(qos);
    packet.retain = retain;
    packet.packet_id = qos == 0 ? std::uint16_t{0} : ++last_packet_id_;
    send(id, packet);
  }
  // A client that is subscribed to $share/g/t at QoS 1, with so large a window.
  ConnectionId member(std::string_view client_id, std::uint32_t expiry_s, std::uint32_t receive_maximum = 1000) {
    const ConnectionId id = connect(client_id, expiry_s, {{PropertyId::receive_maximum, receive_maximum}});
    subscribe(id, "$share/g/t", 1);
    return id;
  }
  // Messages that the log owes, whoever gets them.
  std::uint64_t owed() {
    std::uint64_t count = 0;
    broker().visit_owed([&](const RestoredDelivery&) { ++count; });
    return count;
  }
  void pass_ms(std::int64_t ms) {
    now_.mono_ms += ms;
    broker().run_timers(now_);
  }

  BrokerOptions options_;
  testing::FakeTransport transport_;
  testing::FakeRecords records_;
  AllowAll all_;
  testing::SilentLog log_;
  Now now_{1000, 1'700'000'000'000};
  std::uint16_t last_packet_id_ = 0;
  std::optional<Broker> broker_;
};

TEST_F(BrokerTest, WhatBecameDurableBeforeTheConnectionIsNotWaitedFor) {
  records_.at_once = false;
  ConnectionId subscriber = connect("s", 100);
  broker().durable(records_.position, now_);
  subscribe(subscriber, "t", 2);
  const ConnectionId publisher = connect("p");
  publish(publisher, "t", 2);
  broker().durable(records_.position, now_);
  send(subscriber, wire::PublishAck{PacketType::pubrec, 1, ReasonCode::success, {}});
  const std::uint64_t release = records_.position;
  lose(subscriber);
  broker().durable(release, now_);
  records_.at_once = true;  // nothing more is stored, so nothing more will be announced
  subscriber = connect("s", 100);
  EXPECT_THAT(written(subscriber), ElementsAre(HasSubstr("CONNACK 00 present"), "PUBREL 1 00"));
}

TEST_F(BrokerTest, TheTopicDecidesWhatAnAcknowledgementWaitsFor) {
  options_.durability.rules = {{"m/#", Durability::memory}, {"i", Durability::interval}};
  records_.at_once = false;
  const ConnectionId subscriber = connect("s", 100);
  broker().durable(records_.position, now_);
  subscribe(subscriber, "#", 1);
  broker().durable(records_.position, now_);
  const ConnectionId publisher = connect("p", 100);
  broker().durable(records_.position, now_);
  written(publisher);
  publish(publisher, "m/a", 1);
  EXPECT_THAT(written(publisher), ElementsAre(HasSubstr("PUBACK 1")));
  publish(publisher, "m/a", 2);
  EXPECT_THAT(written(publisher), ElementsAre(HasSubstr("PUBREC 2")));
  publish(publisher, "i", 1);
  publish(publisher, "f", 1);
  EXPECT_THAT(written(publisher), IsEmpty());
  broker().durable(records_.position, now_);
  EXPECT_THAT(written(publisher), ElementsAre(HasSubstr("PUBACK 3"), HasSubstr("PUBACK 4")));
  EXPECT_THAT(records_.promised, ElementsAre(1, 1, 2));
}

TEST_F(BrokerTest, AMessageIsPromisedOnceHoweverManyRecordsItHas) {
  const ConnectionId subscriber = connect("s", 100);
  subscribe(subscriber, "kept", 1);
  const ConnectionId publisher = connect("p", 100);
  publish(publisher, "kept", 1, "x", true);
  EXPECT_EQ(records_.promised[0], 1u) << "retained and owed";
  publish(publisher, "nobody", 2);
  EXPECT_EQ(records_.promised[0], 2u) << "its identifier is taken";
  publish(publisher, "nobody", 1);
  publish(publisher, "nobody", 0, "x", true);
  EXPECT_EQ(records_.promised[0], 2u) << "nothing is recorded, or nobody is answered";
}

TEST_F(BrokerTest, LeavingASharedSubscriptionCompletesWhatIsUnderWay) {
  const ConnectionId leaver = connect("leaver", 0, {{PropertyId::receive_maximum, 2}});
  subscribe(leaver, "$share/g/t", 1);
  const ConnectionId publisher = connect("p");
  for (const char* payload : {"1", "2", "3"}) publish(publisher, "t", 1, payload);
  const ConnectionId stayer = connect("stayer");
  subscribe(stayer, "$share/g/t", 1);
  written(leaver);
  written(stayer);
  unsubscribe(leaver, "$share/g/t");
  EXPECT_THAT(written(stayer), ElementsAre("PUBLISH 1 qos1 t=3")) << "only what was not sent yet [MQTT-3.10.4-3]";
  subscribe(leaver, "other", 1);
  written(leaver);
  publish(publisher, "other", 1);
  EXPECT_THAT(written(leaver), IsEmpty()) << "the window is still full";
  for (std::uint16_t id = 1; id <= 2; ++id) send(leaver, wire::PublishAck{PacketType::puback, id, {}, {}});
  EXPECT_THAT(written(leaver), ElementsAre("PUBLISH 3 qos1 other=x"));
}

TEST_F(BrokerTest, AMemberThatIsGoneLeavesWhatItDidNotAcknowledge) {
  const ConnectionId gone = connect("gone", 100);
  subscribe(gone, "$share/g/t", 2);
  const ConnectionId publisher = connect("p");
  publish(publisher, "t", 1, "one");
  publish(publisher, "t", 2, "two");
  const ConnectionId stayer = connect("stayer");
  subscribe(stayer, "$share/g/t", 2);
  written(stayer);
  lose(gone);
  EXPECT_THAT(written(stayer), ElementsAre("PUBLISH 1 qos1 t=one")) << "a QoS 2 delivery stays [MQTT-4.8.2-4]";
}

TEST_F(BrokerTest, AClientThatWeDidNotReadIsNotSilent) {
  options_.endpoint.outbox_high_bytes = 1000;
  options_.slow_reader_timeout_ms = 600'000;
  const ConnectionId client = connect("c", 0, {}, true, 10);
  subscribe(client, "t", 0);
  publish(connect("p"), "t", 0, std::string(2000, 'x'));
  EXPECT_TRUE(transport_.at(client).paused);
  pass_ms(60'000);
  ASSERT_TRUE(transport_.is_open(client));
  written(client);
  broker().outbox_drained(client, now_);
  EXPECT_FALSE(transport_.at(client).paused);
  pass_ms(14'000);
  EXPECT_TRUE(transport_.is_open(client));
  pass_ms(1'000);
  EXPECT_FALSE(transport_.is_open(client));
}

TEST_F(BrokerTest, AReaderThatStandsStillIsCutAndCounted) {
  options_.endpoint.outbox_high_bytes = 1000;
  options_.slow_reader_timeout_ms = 5000;
  const ConnectionId client = connect("c", 0, {}, true);
  subscribe(client, "t", 0);
  publish(connect("p"), "t", 0, std::string(2000, 'x'));
  pass_ms(3000);
  transport_.at(client).outbox.consume(100);  // it reads, slowly
  pass_ms(2000);
  EXPECT_TRUE(transport_.is_open(client));
  pass_ms(5000);
  EXPECT_FALSE(transport_.is_open(client));
  EXPECT_EQ(broker().verdicts().count(VerdictReason::slow_reader), 1u);
}

TEST_F(BrokerTest, ReconnectingDoesNotPileUpDeadlines) {
  for (int i = 0; i < 20'000; ++i) {
    now_.mono_ms += 1;
    // Expiries that grow and shrink, so that deadlines move both ways.
    lose(connect("c", static_cast<std::uint32_t>(100'000 + (i % 2 == 0 ? i : -i)), {}, false, 60));
  }
  EXPECT_LT(broker().deadlines(), 2000u);
  EXPECT_EQ(broker().sessions(), 1u);
  pass_ms(200'000'000);
  EXPECT_EQ(broker().sessions(), 0u) << "it expires all the same";
}

TEST_F(BrokerTest, ASessionExpiresAfterItsLastConnection) {
  lose(connect("c", 10));
  pass_ms(9'000);
  const ConnectionId again = connect("c", 20);
  EXPECT_THAT(written(again), ElementsAre(HasSubstr("CONNACK 00 present")));
  pass_ms(60'000);
  lose(again);
  pass_ms(19'999);
  EXPECT_EQ(broker().sessions(), 1u);
  pass_ms(1);
  EXPECT_EQ(broker().sessions(), 0u);
}

TEST_F(BrokerTest, AWillWaitsForItsDelayAndGoesWithTheSession) {
  const ConnectionId watcher = connect("watcher");
  subscribe(watcher, "will", 0);
  written(watcher);
  for (const auto& [delay_s, due_ms] : {std::pair(5u, 5000), {50u, 10'000}}) {
    PropertyWriter delay;
    delay.add_number(PropertyId::will_delay_interval, delay_s);
    PropertyWriter expiry;
    expiry.add_number(PropertyId::session_expiry_interval, 10);
    wire::Connect packet;
    packet.client_id = "c";
    packet.properties = expiry.properties();
    packet.will = wire::Will{"will", {}, QoS::at_most_once, false, delay.properties()};
    const ConnectionId client = open();
    send(client, packet);
    lose(client);
    pass_ms(due_ms - 1);
    EXPECT_THAT(written(watcher), IsEmpty());
    pass_ms(1);
    EXPECT_THAT(written(watcher), SizeIs(1));
  }
}

TEST_F(BrokerTest, AClientThatIsNotServedHasNoWill) {
  const ConnectionId watcher = connect("watcher");
  subscribe(watcher, "will", 0);
  written(watcher);
  PropertyWriter properties;
  properties.add_number(PropertyId::maximum_packet_size, 6);  // no CONNACK fits
  wire::Connect packet;
  packet.client_id = "c";
  packet.properties = properties.properties();
  packet.will = wire::Will{"will", {}, QoS::at_most_once, false, {}};
  const ConnectionId client = open();
  send(client, packet);
  EXPECT_FALSE(transport_.is_open(client));
  EXPECT_THAT(written(watcher), IsEmpty());
  EXPECT_EQ(broker().counters().clients_connected, 1u);
}

TEST_F(BrokerTest, AStoredSessionThatIsNotKeptAnyLongerIsRecorded) {
  lose(connect("c", 10));
  records_.names.clear();
  const ConnectionId client = connect("c");
  EXPECT_THAT(records_.names, ElementsAre("session changed"));
  lose(client);
  EXPECT_EQ(broker().sessions(), 0u);
}

TEST_F(BrokerTest, WhatIsHandedOverWaitsUntilTheLogCanBeRead) {
  options_.log.recent_bytes = 0;
  for (const bool known_at_once : {true, false}) {
    lose(member("first", 100));
    const ConnectionId publisher = connect("p");
    for (const char* payload : {"1", "2", "3"}) publish(publisher, "t", 1, payload);
    (known_at_once ? records_.accepts : records_.reads) = false;
    const ConnectionId second = member("second", 100);
    pass_ms(1'000);
    EXPECT_THAT(written(second), Not(Contains(HasSubstr("PUBLISH"))));
    EXPECT_EQ(owed(), 3u);
    records_.accepts = records_.reads = true;
    pass_ms(200);
    EXPECT_THAT(written(second), ElementsAre(HasSubstr("t=1"), HasSubstr("t=2"), HasSubstr("t=3")));
    for (const char* name : {"first", "second"}) connect(name, 0, {}, true);
  }
}

TEST_F(BrokerTest, WhatAnEndedSessionLeavesGoesOnInParts) {
  constexpr std::uint32_t kMessages = 100'000;
  records_.keeps_names = false;
  lose(member("second", 100));
  const ConnectionId first = member("first", 100, 1);
  const ConnectionId publisher = connect("p");
  for (std::uint32_t i = 0; i < kMessages; ++i) {
    if (last_packet_id_ == 60'000) last_packet_id_ = 0;
    publish(publisher, "t", 1);
  }
  written(publisher);
  EXPECT_EQ(owed(), kMessages);
  const auto handed_over = [&] { return broker().verdicts().count(VerdictReason::handed_over); };

  const ConnectionId again = connect("first", 100, {}, true);
  EXPECT_THAT(written(again), ElementsAre(AllOf(HasSubstr("CONNACK 00"), Not(HasSubstr("present")))));
  EXPECT_LE(handed_over(), 1'000u);
  EXPECT_EQ(broker().sessions(), 3u) << "what it leaves is no client's session";
  EXPECT_FALSE(transport_.is_open(first));
  send(publisher, wire::Pingreq{});
  EXPECT_THAT(written(publisher), ElementsAre("PINGRESP"));
  EXPECT_EQ(broker().remnants(), 1u);
  for (std::uint64_t before = handed_over(); broker().remnants() > 0; before = handed_over()) {
    EXPECT_EQ(owed(), kMessages);
    pass_ms(1);
    ASSERT_GT(handed_over(), before);
    ASSERT_LE(handed_over(), before + 1'000);
  }
  EXPECT_EQ(handed_over(), kMessages);
  EXPECT_EQ(owed(), kMessages) << "by the other member";
  lose(again);
  EXPECT_EQ(broker().verdicts().count(VerdictReason::session_ended), 0u);
}

TEST_F(BrokerTest, WhatAnEndedSessionLeavesWaitsUntilTheLogCanBeRead) {
  options_.log.recent_bytes = 0;
  for (const bool known_at_once : {true, false}) {
    records_.accepts = records_.reads = true;
    const ConnectionId first = member("first", 100, 1);
    const ConnectionId publisher = connect("p");
    for (const char* payload : {"1", "2", "3"}) publish(publisher, "t", 1, payload);
    const ConnectionId second = member("second", 100);
    written(second);
    (known_at_once ? records_.accepts : records_.reads) = false;
    PropertyWriter properties;
    properties.add_number(PropertyId::session_expiry_interval, 0);
    send(first, wire::Disconnect{ReasonCode::success, properties.properties()});
    pass_ms(1'000);
    EXPECT_THAT(written(second), IsEmpty());
    EXPECT_EQ(broker().remnants(), 1u);
    EXPECT_THAT(written(connect("first", 100)), ElementsAre(Not(HasSubstr("present"))));
    records_.accepts = records_.reads = true;
    pass_ms(200);
    EXPECT_THAT(written(second), ElementsAre(HasSubstr("t=1"), HasSubstr("t=2"), HasSubstr("t=3")));
    EXPECT_EQ(broker().remnants(), 0u);
    for (const char* name : {"first", "second"}) connect(name, 0, {}, true);
  }
}

TEST_F(BrokerTest, WhatIsLeftToNobodyIsDroppedWithAVerdict) {
  options_.hand_over_step = 1;
  const ConnectionId first = member("first", 100, 1);
  const ConnectionId second = member("second", 0);
  const ConnectionId publisher = connect("p");
  for (int i = 0; i < 8; ++i) publish(publisher, "t", 1);
  const ConnectionId again = connect("first", 100, {}, true);
  EXPECT_EQ(broker().remnants(), 1u);
  unsubscribe(second, "$share/g/t");
  for (int i = 0; i < 4; ++i) pass_ms(1);
  EXPECT_EQ(broker().remnants(), 0u);
  EXPECT_EQ(broker().verdicts().count(VerdictReason::handed_over), 1u);
  EXPECT_EQ(broker().verdicts().count(VerdictReason::session_ended), 3u);
  EXPECT_FALSE(transport_.is_open(first));
  EXPECT_THAT(written(again), ElementsAre(HasSubstr("CONNACK 00")));
}

TEST_F(BrokerTest, WhatSeveralMembersLeftIsCollectedInTheOrderOfTheirSessions) {
  std::vector<ConnectionId> members;
  for (const char* name : {"e", "a", "d", "b", "c"}) members.push_back(connect(name, 100));
  for (const std::size_t number : {2u, 0u, 4u, 1u, 3u}) subscribe(members[number], "$share/g/t", 1);
  for (const ConnectionId member : members) lose(member);
  const ConnectionId publisher = connect("p");
  for (const char* payload : {"1", "2", "3", "4", "5"}) publish(publisher, "t", 1, payload);
  const ConnectionId taker = connect("taker", 100);
  subscribe(taker, "$share/g/t", 1);
  std::vector<std::string> got;
  for (const std::string& text : written(taker)) {
    if (text.starts_with("PUBLISH ")) got.push_back(text.substr(text.rfind('=') + 1));
  }
  EXPECT_THAT(got, ElementsAre("2", "4", "1", "5", "3"));
}

TEST_F(BrokerTest, NoLocalIsAboutTheClientNotItsNumber) {
  const ConnectionId first = connect("first");
  publish(first, "t", 0, "kept", true);
  subscribe(first, "t", 0, true);
  EXPECT_THAT(written(first), Not(Contains(HasSubstr("PUBLISH"))));
  lose(first);
  const ConnectionId second = connect("second");  // gets the number that is free again
  subscribe(second, "t", 0, true);
  EXPECT_THAT(written(second), Contains("PUBLISH 0 qos0 retain t=kept"));
}

TEST_F(BrokerTest, PacketsAreCounted) {
  const ConnectionId client = connect("c");
  send(client, wire::Pingreq{});
  publish(client, "t", 1);
  EXPECT_EQ(broker().counters().packets_received, 3u);
  EXPECT_EQ(broker().counters().packets_sent, 3u);
  EXPECT_EQ(broker().counters().publish_received, 1u);
  EXPECT_EQ(broker().verdicts().count(VerdictReason::no_subscriber), 1u);
}

// Messages for more sessions than a turn is to serve.
class FanOutTest : public BrokerTest {
 protected:
  void connect_subscribers(std::size_t count, unsigned qos) {
    for (std::size_t i = 0; i < count; ++i) {
      subscribers_.push_back(connect("s" + std::to_string(i)));
      subscribe(subscribers_.back(), "t", qos);
      written(subscribers_.back());
    }
  }
  // How many subscribers have something in their outboxes now.
  std::size_t served() {
    return static_cast<std::size_t>(std::count_if(subscribers_.begin(), subscribers_.end(),
                                                  [&](ConnectionId id) { return !transport_.at(id).outbox.empty(); }));
  }
  // Turns until nothing is left to do at once; how many.
  std::size_t finish() {
    std::size_t turns = 0;
    for (; broker().next_deadline() <= now_.mono_ms; ++turns) broker().run_timers(now_);
    return turns;
  }

  std::vector<ConnectionId> subscribers_;
};

TEST_F(FanOutTest, OthersAreServedBetweenTheParts) {
  constexpr std::size_t kSubscribers = 10'000;
  connect_subscribers(kSubscribers, 0);
  const ConnectionId publisher = connect("p");
  const ConnectionId other = connect("other");
  written(other);
  publish(publisher, "t", 0, "1");
  publish(publisher, "t", 0, "2");
  EXPECT_EQ(served(), 0u) << "the first part comes at the turn's end";
  std::size_t before = 0;
  std::size_t turns = 0;
  while (served() < kSubscribers) {
    ASSERT_EQ(broker().next_deadline(), 0);
    broker().run_timers(now_);
    EXPECT_LE(served() - before, 2'100u);
    before = served();
    send(other, wire::Pingreq{});
    EXPECT_THAT(written(other), ElementsAre("PINGRESP"));
    // It waits: what is under way comes first.
    if (++turns == 2) publish(publisher, "t", 0, "3");
  }
  EXPECT_TRUE(transport_.at(publisher).paused);
  finish();
  EXPECT_FALSE(transport_.at(publisher).paused);
  EXPECT_GE(turns, 5u);
  for (const ConnectionId id : subscribers_) {
    ASSERT_THAT(written(id), ElementsAre(HasSubstr("t=1"), HasSubstr("t=2"), HasSubstr("t=3")));
  }
  publish(publisher, "t", 0, "4");
  finish();
  EXPECT_EQ(served(), kSubscribers);
}

TEST_F(FanOutTest, WhoIsGoneIsSkippedAndItsNumberIsNobodyElses) {
  options_.fan_out_part = 10;
  connect_subscribers(50, 1);
  const ConnectionId publisher = connect("p");
  publish(publisher, "t", 1);
  broker().run_timers(now_);
  std::vector<ConnectionId> newcomers;
  std::vector<ConnectionId> stay;
  for (const ConnectionId id : subscribers_) {
    if (!transport_.at(id).outbox.empty()) {
      stay.push_back(id);
      continue;
    }
    lose(id);
    newcomers.push_back(connect("new" + std::to_string(newcomers.size())));
    subscribe(newcomers.back(), "t", 1);
    written(newcomers.back());
  }
  ASSERT_THAT(newcomers, Not(IsEmpty()));
  ASSERT_THAT(stay, Not(IsEmpty()));
  finish();
  for (const ConnectionId id : newcomers) EXPECT_THAT(written(id), IsEmpty());
  for (const ConnectionId id : stay) EXPECT_THAT(written(id), SizeIs(1));
}

TEST_F(FanOutTest, TheRestIsDeliveredWithoutItsPublisherAndBeforeItsWill) {
  options_.fan_out_part = 10;
  connect_subscribers(50, 1);
  wire::Connect packet;
  packet.client_id = "p";
  packet.will.emplace();
  packet.will->topic = "t";
  packet.will->payload = as_bytes("will");
  packet.will->qos = QoS::at_least_once;
  const ConnectionId publisher = open();
  send(publisher, packet);
  publish(publisher, "t", 1, "1");
  broker().run_timers(now_);
  publish(publisher, "t", 1, "2");
  broker().connection_lost(publisher, LostBy::network_error, now_);
  // Who comes back is still the same publisher.
  const ConnectionId again = connect("p");
  publish(again, "t", 1, "3");
  finish();
  for (const ConnectionId id : subscribers_) {
    ASSERT_THAT(written(id), ElementsAre(HasSubstr("t=1"), HasSubstr("t=2"), HasSubstr("t=will"), HasSubstr("t=3")));
  }
}

TEST_F(FanOutTest, WhatARecordNamesIsDeliveredAtOnce) {
  options_.fan_out_part = 10;
  connect_subscribers(50, 1);
  const ConnectionId kept = connect("kept", 1000);
  subscribe(kept, "t", 1);
  const ConnectionId publisher = connect("p");
  written(kept);
  written(publisher);
  records_.names.clear();
  publish(publisher, "t", 1, "1");
  publish(publisher, "t", 1, "2");
  EXPECT_THAT(written(kept), ElementsAre(HasSubstr("t=1"), HasSubstr("t=2")));
  EXPECT_THAT(written(publisher), SizeIs(2)) << "both are acknowledged";
  EXPECT_THAT(records_.names, SizeIs(2));
  EXPECT_EQ(served(), 0u);
  finish();
  EXPECT_THAT(records_.names, SizeIs(2)) << "the others need none";
  EXPECT_EQ(served(), 50u);
  EXPECT_THAT(written(kept), IsEmpty());
}

TEST_F(FanOutTest, ShuttingDownGivesOutTheRest) {
  options_.fan_out_part = 10;
  connect_subscribers(50, 0);
  publish(connect("p"), "t", 0);
  broker().shut_down(now_);
  for (const ConnectionId id : subscribers_) {
    EXPECT_THAT(written(id), ElementsAre(HasSubstr("PUBLISH"), HasSubstr("DISCONNECT")));
  }
}

}  // namespace
}  // namespace martlet::broker
