// Two brokers of one process on fake ports: what they tell each other is carried over when the test says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/testing/fake_ports.h"
#include "session/test_support.h"

namespace martlet::broker {
namespace {

using session::test::Bytes;
using session::test::encoded;
using session::test::Texts;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using wire::PropertyId;
using wire::PropertyWriter;
using wire::ProtocolVersion;
using wire::QoS;

constexpr std::uint32_t kCores = 2;

struct Note {
  std::uint32_t to = 0;
  std::optional<Forwarded> forwarded;  // or:
  std::uint32_t group = 0;             // a member of it is connected
};

class FakeNeighbours final : public Neighbours {
 public:
  void forward(std::uint32_t core, Forwarded forwarded) override { notes.push_back({core, std::move(forwarded), 0}); }
  void tell_connected(std::uint32_t core, std::uint32_t group) override {
    notes.push_back({core, std::nullopt, group});
  }
  std::uint64_t lowest_unconfirmed() const override { return ~std::uint64_t{0}; }
  void set_congested(bool congested) { congested_ = congested; }

  std::deque<Note> notes;
};

class BrokerCores : public ::testing::Test {
 protected:
  struct Core {
    testing::FakeTransport transport;
    testing::FakeRecords records;
    FakeNeighbours neighbours;
    std::optional<Broker> broker;
  };
  struct Client {
    std::uint32_t core = 0;
    ConnectionId id;
  };

  BrokerCores() {
    options_.sys_interval_s = 0;
    options_.endpoint.alias_out_maximum = 0;
    options_.client_seed = 1;
  }

  Core& core(std::uint32_t number) {
    if (!commons_) {
      commons_.emplace(options_, 1, kCores);
      for (std::uint32_t i = 0; i < kCores; ++i) {
        Core& one = cores_[i];
        one.broker.emplace(options_,
                           Ports{one.transport, one.records, all_, all_, log_, &*commons_, &one.neighbours, i}, now_);
      }
    }
    return cores_[number];
  }
  Broker& broker(std::uint32_t number) { return *core(number).broker; }
  // Until nobody has anything to say.
  void carry() {
    for (bool any = true; any;) {
      any = false;
      for (Core& from : cores_) {
        while (!from.neighbours.notes.empty()) {
          any = true;
          const Note note = std::move(from.neighbours.notes.front());
          from.neighbours.notes.pop_front();
          if (note.forwarded) {
            broker(note.to).forwarded(*note.forwarded, now_);
          } else {
            broker(note.to).group_connected(note.group, now_);
          }
        }
      }
    }
  }
  void pass_ms(std::int64_t ms) {
    now_.mono_ms += ms;
    for (Core& one : cores_) one.broker->run_timers(now_);
  }

  void send(const Client& client, const wire::Packet& packet) {
    const Bytes bytes = encoded(packet, ProtocolVersion::v5_0);
    broker(client.core).bytes_received(client.id, bytes, now_);
  }
  Client connect(std::uint32_t at, std::string_view client_id, std::uint32_t expiry_s = 0,
                 std::uint32_t receive_maximum = 1000, std::uint16_t keep_alive_s = 0) {
    PropertyWriter properties;
    properties.add_number(PropertyId::receive_maximum, receive_maximum);
    if (expiry_s != 0) properties.add_number(PropertyId::session_expiry_interval, expiry_s);
    wire::Connect packet;
    packet.client_id = client_id;
    packet.clean_start = false;
    packet.keep_alive_s = keep_alive_s;
    packet.properties = properties.properties();
    const Client client{at, core(at).transport.open()};
    broker(at).connection_opened(client.id, {0, "address", nullptr}, now_);
    send(client, packet);
    return client;
  }
  void lose(const Client& client) {
    core(client.core).transport.lose(client.id);
    broker(client.core).connection_lost(client.id, LostBy::network_error, now_);
  }
  void subscribe(const Client& client, std::string_view filter, unsigned qos, bool no_local = false,
                 std::uint32_t identifier = 0) {
    wire::FilterListWriter filters(true);
    wire::SubscriptionOptions options;
    options.qos = static_cast<QoS>(qos);
    options.no_local = no_local;
    options.retain_as_published = true;
    filters.add({filter, options});
    PropertyWriter properties;
    if (identifier != 0) properties.add_number(PropertyId::subscription_identifier, identifier);
    send(client, wire::Subscribe{900, properties.properties(), filters.list()});
  }
  void unsubscribe(const Client& client, std::string_view filter) {
    wire::FilterListWriter filters(false);
    filters.add({filter, {}});
    send(client, wire::Unsubscribe{901, {}, filters.list()});
  }
  void publish(const Client& client, std::string_view topic, unsigned qos, std::string_view payload,
               bool retain = false) {
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<QoS>(qos);
    packet.retain = retain;
    packet.packet_id = qos == 0 ? std::uint16_t{0} : ++last_packet_id_;
    send(client, packet);
  }
  // The PUBLISH packets that the client has got.
  Texts messages(const Client& client) {
    Texts texts = session::test::take_packets(core(client.core).transport.at(client.id).outbox, ProtocolVersion::v5_0,
                                              wire::Sender::server);
    std::erase_if(texts, [](const std::string& text) { return !text.starts_with("PUBLISH"); });
    return texts;
  }
  std::size_t owed(std::uint32_t at) {
    std::size_t count = 0;
    broker(at).visit_owed([&](const RestoredDelivery&) { ++count; });
    return count;
  }

  BrokerOptions options_;
  AllowAll all_;
  testing::SilentLog log_;
  Now now_{1000, 1'700'000'000'000};
  std::uint16_t last_packet_id_ = 0;
  std::optional<Commons> commons_;
  std::array<Core, kCores> cores_;
};

TEST_F(BrokerCores, AMessageReachesSubscribersOfTheOtherCore) {
  const Client subscriber = connect(1, "s");
  subscribe(subscriber, "a/+", 1, false, 7);
  const Client publisher = connect(0, "p");
  publish(publisher, "a/b", 2, "one", true);
  publish(publisher, "b", 0, "nobody's");
  EXPECT_THAT(core(0).neighbours.notes, SizeIs(1)) << "who has no subscriber is not told";
  carry();
  EXPECT_THAT(messages(subscriber), ElementsAre("PUBLISH 1 qos1 retain a/b=one 0B=7"));
}

TEST_F(BrokerCores, NobodyGetsItsOwnBackFromTheOtherCore) {
  const Client subscriber = connect(1, "s");
  subscribe(subscriber, "t", 0, true);
  const Client publisher = connect(0, "s");  // as if the home had changed
  publish(publisher, "t", 0, "own");
  carry();
  EXPECT_THAT(messages(subscriber), IsEmpty());
}

// The log says that the other core is owed it until that core says to whom.
TEST_F(BrokerCores, WhatPersistentSessionsElsewhereAreOwedIsInTheLogFirst) {
  const Client subscriber = connect(1, "s", 100);
  subscribe(subscriber, "t", 1);
  lose(subscriber);
  core(1).records.names.clear();
  const Client publisher = connect(0, "p");
  publish(publisher, "t", 1, "one");
  ASSERT_THAT(core(0).neighbours.notes, SizeIs(1));
  const Forwarded forwarded = *core(0).neighbours.notes.front().forwarded;
  EXPECT_EQ(forwarded.key, core_key(1, kCores));
  ASSERT_NE(forwarded.position, 0u);
  EXPECT_THAT(core(0).records.owed_to(forwarded.position), ElementsAre(core_key(1, kCores)));
  carry();
  EXPECT_THAT(core(1).records.names, Contains("handed over"));
  EXPECT_THAT(core(1).records.owed_to(core(1).records.log_records()), SizeIs(1));
  EXPECT_EQ(owed(1), 1u);
  EXPECT_THAT(messages(connect(1, "s", 100)), ElementsAre(HasSubstr("t=one")));
}

TEST_F(BrokerCores, TheRecordThatACoreWasOwedItIsAnsweredEvenIfNobodyIsThere) {
  const Client subscriber = connect(1, "s", 100);
  subscribe(subscriber, "t", 1);
  const Client publisher = connect(0, "p");
  publish(publisher, "t", 1, "one");
  unsubscribe(subscriber, "t");
  core(1).records.names.clear();
  carry();
  EXPECT_THAT(core(1).records.names, ElementsAre("handed over"));
  EXPECT_THAT(core(1).records.owed_to(core(1).records.log_records()), IsEmpty());
}

TEST_F(BrokerCores, EachMessageOfASharedSubscriptionGoesToOneMember) {
  const Client first = connect(0, "m0");
  const Client second = connect(1, "m1");
  subscribe(first, "$share/g/t", 1);
  subscribe(second, "$share/g/t", 1);
  const Client publisher = connect(0, "p");
  for (const char* payload : {"1", "2", "3", "4"}) publish(publisher, "t", 1, payload);
  carry();
  EXPECT_THAT(messages(first), SizeIs(2));
  EXPECT_THAT(messages(second), SizeIs(2));
}

TEST_F(BrokerCores, AMessageFollowsTheMembersThatAreLeft) {
  const Client first = connect(0, "m0");
  subscribe(first, "$share/g/t", 1);
  const Client second = connect(1, "m1");
  subscribe(second, "$share/g/t", 1);
  const Client publisher = connect(0, "p");
  for (const char* payload : {"1", "2"}) publish(publisher, "t", 1, payload);
  lose(second);  // one of them was on its way
  carry();
  EXPECT_THAT(messages(first), SizeIs(2));
}

TEST_F(BrokerCores, AMemberThatConnectsElsewhereTakesWhatWaits) {
  const Client first = connect(0, "m0", 100);
  subscribe(first, "$share/g/t", 1);
  lose(first);
  const Client publisher = connect(0, "p");
  for (const char* payload : {"1", "2"}) publish(publisher, "t", 1, payload);
  EXPECT_EQ(owed(0), 2u);
  const Client second = connect(1, "m1");
  subscribe(second, "$share/g/t", 1);
  carry();
  EXPECT_THAT(messages(second), SizeIs(2));
  EXPECT_EQ(owed(0), 0u);
}

// A member that unsubscribes passes on what it has not got, however much, even if no other member is on its core.
TEST_F(BrokerCores, WhatAMemberLeavesGoesToTheOtherCoreInParts) {
  options_.hand_over_step = 1;
  options_.endpoint.queue.max_messages = 0;
  const Client first = connect(0, "m0", 100, 1);
  subscribe(first, "$share/g/t", 1);
  const Client publisher = connect(0, "p");
  for (const char* payload : {"1", "2", "3", "4"}) publish(publisher, "t", 1, payload);
  EXPECT_THAT(messages(first), SizeIs(1)) << "its window is full";
  const Client second = connect(1, "m1");
  subscribe(second, "$share/g/t", 1);
  unsubscribe(first, "$share/g/t");
  for (int i = 0; i < 10; ++i) {
    carry();
    pass_ms(1);
  }
  EXPECT_THAT(messages(second), SizeIs(3));
  EXPECT_EQ(owed(0), 1u);
}

// Who was to take it goes between two messages.
TEST_F(BrokerCores, WhatNobodyTakesStaysWithItsMember) {
  const Client first = connect(0, "m0", 100);
  subscribe(first, "$share/g/t", 1);
  subscribe(first, "u", 1);
  lose(first);
  const Client publisher = connect(0, "p");
  for (const char* topic : {"t", "t", "u", "t", "u"}) publish(publisher, topic, 1, "x");
  // The directory tells of a member that comes before it can be given anything.
  const auto group = commons_->groups().enter("$share/g/t", "t", 1);
  ASSERT_TRUE(group);
  const Client again = connect(0, "m0", 100, 1);
  messages(again);
  unsubscribe(again, "$share/g/t");
  carry();
  EXPECT_EQ(owed(0), 5u);
  lose(again);
  EXPECT_EQ(owed(0), 5u);
  EXPECT_THAT(messages(connect(0, "m0", 100)), ElementsAre(HasSubstr(" t=x"), HasSubstr(" t=x"), HasSubstr(" u=x"),
                                                           HasSubstr(" t=x"), HasSubstr(" u=x")));
}

TEST_F(BrokerCores, AFullMemberDoesNotTakeWhatAnotherCoreHasRoomFor) {
  options_.endpoint.queue.max_messages = 2;
  options_.endpoint.queue.max_owed_messages = 2;
  const Client stuck = connect(0, "m0", 0, 1);
  const Client quick = connect(1, "m1");
  subscribe(stuck, "$share/g/t", 1);
  subscribe(quick, "$share/g/t", 1);
  const Client publisher = connect(0, "p");
  for (int i = 0; i < 20; ++i) publish(publisher, "t", 1, "x");
  carry();
  EXPECT_EQ(messages(stuck).size(), 1u);
  EXPECT_EQ(messages(quick).size(), 17u) << "the other one has one in flight and two waiting";
}

// What was read of it and waits for the other cores may be its PINGREQ.
TEST_F(BrokerCores, AClientThatIsNotReadDoesNotMissItsKeepAlive) {
  const Client client = connect(0, "c", 0, 1000, 2);
  core(0).neighbours.set_congested(true);
  send(client, wire::Pingreq{});
  for (int i = 0; i < 10; ++i) pass_ms(1'000);
  EXPECT_TRUE(core(0).transport.is_open(client.id));
  core(0).neighbours.set_congested(false);
  pass_ms(2'900);
  EXPECT_TRUE(core(0).transport.is_open(client.id));
  pass_ms(3'100);
  EXPECT_FALSE(core(0).transport.is_open(client.id)) << "it is silent now";
}

// Nobody holds the publisher back for these: this core has to say that it has enough.
TEST_F(BrokerCores, MessagesForVeryManyAreTakenAFewAtATime) {
  options_.fan_out_part = 2;
  std::vector<Client> subscribers;
  for (int i = 0; i < 6; ++i) subscribers.push_back(connect(1, "s" + std::to_string(i)));
  for (const Client& subscriber : subscribers) subscribe(subscriber, "t", 0);
  const Client publisher = connect(0, "p");
  for (int i = 0; i < 100; ++i) publish(publisher, "t", 0, "x");
  auto& notes = core(0).neighbours.notes;
  ASSERT_THAT(notes, SizeIs(100));
  std::size_t most = 0;
  while (!notes.empty()) {
    std::size_t taken = 0;
    while (!notes.empty() && broker(1).takes_forwarded()) {
      broker(1).forwarded(*notes.front().forwarded, now_);
      notes.pop_front();
      ++taken;
    }
    most = std::max(most, taken);
    pass_ms(1);
  }
  EXPECT_LE(most, 16u);
  for (int i = 0; i < 100; ++i) pass_ms(1);
  for (const Client& subscriber : subscribers) EXPECT_THAT(messages(subscriber), SizeIs(100));
}

}  // namespace
}  // namespace martlet::broker
