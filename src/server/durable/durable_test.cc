// What a broker keeps of sessions, exchanges, retained messages and wills, and when it acknowledges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/durable/record_codec.h"
#include "server/testing/durable_fixture.h"

namespace martlet::server {
namespace {

using testing::Durable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PacketType;
using testing::Process;
using testing::QoS;
using testing::Texts;

TEST_F(Durable, NoAcknowledgementBeforeTheDiskHasTheMessage) {
  Process& process = this->process();
  const auto reader = process.connect("reader");
  process.subscribe(reader, "t", 1);
  const auto writer = process.connect("writer", 0);
  drop_hello(writer);
  process.publish(writer, "t", 1, "x", 1);
  process.publish(writer, "t", 2, "y", 2);
  EXPECT_THAT(process.written(writer), IsEmpty());
  process.commit();
  EXPECT_THAT(process.written(writer), ElementsAre(HasSubstr("PUBACK 1"), HasSubstr("PUBREC 2")));
}

TEST_F(Durable, AnOutgoingQos2MessageKeepsItsIdentifierAndIsNotSentTwice) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  const auto writer = process().connect("writer", 0);
  drop_hello(reader);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 2, std::to_string(i), i);
  EXPECT_THAT(process().written(reader), IsEmpty()) << "its identifier is not stored yet";
  process().commit();
  EXPECT_THAT(process().written(reader), ElementsAre(HasSubstr("PUBLISH 1 qos2 t=1"), HasSubstr("PUBLISH 2 qos2 t=2"),
                                                     HasSubstr("PUBLISH 3 qos2 t=3")));
  process().ack(reader, PacketType::pubrec, 1);
  process().ack(reader, PacketType::pubrec, 2);
  process().commit();
  process().ack(reader, PacketType::pubcomp, 2);
  process().commit();

  lose_power();
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again),
              ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("PUBREL 1"), HasSubstr("PUBLISH 3 qos2 dup t=3")))
      << "1 was received, 2 is over, 3 was only sent";
}

TEST_F(Durable, AnIncomingQos2MessageIsTakenOnce) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  process().leave(reader);
  const auto writer = process().connect("writer");
  process().publish(writer, "t", 2, "x", 9);
  process().commit();

  lose_power();
  const auto again = process().connect("writer");
  drop_hello(again);
  process().publish(again, "t", 2, "x", 9);  // its PUBREC was lost
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBREC 9")));
  process().ack(again, PacketType::pubrel, 9);
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBCOMP 9")));
  EXPECT_EQ(lose_power().recovered->deliveries, 1u);
}

TEST_F(Durable, RetainedMessagesOnTheirWayToASubscriptionGoOnAfterTheCrash) {
  options_.endpoint.max_in_flight = 2;
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 5; ++i) process().publish(writer, "t/" + std::to_string(i), 2, "kept", i, true);
  process().commit();
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t/#", 2);
  EXPECT_THAT(process().written(reader),
              ElementsAre(HasSubstr("CONNACK"), HasSubstr("SUBACK"), HasSubstr("PUBLISH 1 qos2 retain t/1"),
                          HasSubstr("PUBLISH 2 qos2 retain t/2")));
  process().ack(reader, PacketType::pubrec, 1);
  process().commit();
  lose_power();
  const auto again = process().connect("reader");
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("PUBREL 1"),
                                                    HasSubstr("PUBLISH 2 qos2 dup retain t/2")));
  process().ack(again, PacketType::pubcomp, 1);
  process().ack(again, PacketType::pubrec, 2);
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBLISH 3 qos2 retain t/3"), HasSubstr("PUBREL 2")));
  process().ack(again, PacketType::pubcomp, 2);
  process().commit();
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("PUBLISH 4 qos2 retain t/4")));
}

TEST_F(Durable, RetainedMessagesAndWillsComeBack) {
  const auto watcher = process().connect("watcher");
  process().subscribe(watcher, "#", 1);
  process().leave(watcher);
  const auto writer = process().connect("writer", 1000, "will");
  process().publish(writer, "keep", 1, "kept", 1, true);
  process().publish(writer, "erased", 1, "x", 2, true);
  process().publish(writer, "erased", 1, "", 3, true);
  process().commit();

  EXPECT_EQ(lose_power().recovered->retained, 1u);
  process().broker().run_timers(clock_.time);
  const auto again = process().connect("watcher");
  EXPECT_THAT(process().written(again), ::testing::Contains(HasSubstr("will=gone")));
  const auto fresh = process().connect("fresh", 0);
  process().subscribe(fresh, "keep", 0);
  EXPECT_THAT(process().written(fresh), ::testing::Contains(HasSubstr("keep=kept")));
}

TEST_F(Durable, ASessionEndsByTheTimeThatPassedWhileNobodyRan) {
  const auto brief = process().connect("brief", 10);
  process().leave(brief);
  process().connect("long", 1000);
  clock_.time.mono_ms += 1'000;
  process().broker().run_timers(clock_.time);
  process().commit();
  clock_.time.wall_ms += 60'000;
  EXPECT_EQ(lose_power().recovered->sessions, 2u);
  process().broker().run_timers(clock_.time);
  EXPECT_EQ(process().broker().sessions(), 1u);
}

TEST_F(Durable, ADamagedRecordStopsTheStartUntilItIsToBeSkipped) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  for (std::uint16_t i = 1; i <= 3; ++i) process().publish(writer, "t", 1, "x", i);
  process().commit();
  disk_ = disk_->power_cut();
  disk_->damage_record(2);
  process_.reset();
  ASSERT_FALSE(process().recovered.has_value());
  EXPECT_THAT(process().recovered.error().message, HasSubstr("store.skip_damaged"));
}

TEST_F(Durable, EachTopicIsAsSafeAsItsRuleSays) {
  options_.durability.rules = {{"m/#", Durability::memory}, {"i/#", Durability::interval}};
  const auto reader = process().connect("reader");
  process().subscribe(reader, "#", 1);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  drop_hello(writer);
  EXPECT_EQ(process().unsafe(), 0u);
  process().publish(writer, "m/a", 1, "in memory", 1);
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 1"))) << "it waits for nothing";
  process().publish(writer, "i/a", 1, "written", 2);
  EXPECT_THAT(process().written(writer), IsEmpty());
  EXPECT_EQ(process().unsafe(), 1u);
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 2")));
  EXPECT_EQ(process().unsafe(), 2u);
  EXPECT_EQ(store::open_memory(disk_->killed())->end(), 3u) << "both outlive a kill";
  EXPECT_EQ(store::open_memory(disk_->power_cut())->end(), 1u) << "neither is synced";

  process().publish(writer, "f", 1, "synced", 3);
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 3")));
  EXPECT_EQ(process().unsafe(), 0u) << "the sync took them along";
  process().publish(writer, "i/a", 1, "lost", 4);
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBACK 4")));

  EXPECT_EQ(lose_power().recovered->deliveries, 3u);
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("m/a=in memory"),
                                                    HasSubstr("i/a=written"), HasSubstr("f=synced")));
}

TEST_F(Durable, WithMemoryNothingWaits) {
  options_.durability.level = Durability::memory;
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 2);
  process().leave(reader);
  const auto writer = process().connect("writer");
  drop_hello(writer);
  process().publish(writer, "t", 2, "x", 9);
  process().ack(writer, PacketType::pubrel, 9);
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBREC 9"), HasSubstr("PUBCOMP 9")));
  EXPECT_EQ(process().unsafe(), 1u);
  process().commit();
  process().store().step(true);
  EXPECT_EQ(process().unsafe(), 0u);
  EXPECT_EQ(lose_power().recovered->deliveries, 1u);
}

// The identifier of a message that may be lost can be the next one's that may not.

TEST_F(Durable, AnIdentifierIsReleasedForGoodWhateverItsTopic) {
  options_.durability.level = Durability::memory;
  options_.durability.rules = {{"safe", Durability::fsync}};
  const auto reader = process().connect("reader");
  process().subscribe(reader, "#", 2);
  process().leave(reader);
  const auto writer = process().connect("writer");
  process().publish(writer, "loose", 2, "x", 9);
  process().commit();
  drop_hello(writer);
  process().ack(writer, PacketType::pubrel, 9);
  EXPECT_THAT(process().written(writer), IsEmpty()) << "the release is not durable";
  process().commit();
  EXPECT_THAT(process().written(writer), ElementsAre(HasSubstr("PUBCOMP 9")));

  lose_power();
  const auto again = process().connect("writer");
  process().publish(again, "safe", 2, "y", 9);
  process().commit();
  EXPECT_EQ(lose_power().recovered->deliveries, 2u) << "it is no duplicate";
}

TEST_F(Durable, WhatIsOnItsWayToTheDiskIsBoundedAtEachLevel) {
  const auto store = store::Store::stepped(store::open_memory(disk_), {});
  DurableRecords records(*store, store->writer(), clock_, Durability::memory);
  EXPECT_TRUE(records.append(broker::SessionEnded{1}).resolved(0));
  store->writer().append(as_bytes(std::string(65u << 20, 'x')));
  records.submit();
  const Ticket ticket = records.append(broker::SessionEnded{1});
  EXPECT_FALSE(ticket.resolved(records.durable_position()));
  records.submit();
  while (store->step()) {
  }
  EXPECT_TRUE(ticket.resolved(records.durable_position()));
  EXPECT_EQ(records.figures()->syncs, 0u);
}

TEST_F(Durable, ALongStartTellsHowFarItIs) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  process().leave(reader);
  const auto writer = process().connect("writer", 0);
  for (int i = 0; i < 100'001; ++i) {
    process().publish(writer, "t", 1, "x", static_cast<std::uint16_t>(i % 500 + 1));
    if (i % 500 == 499) process().commit();
  }
  process().commit();
  EXPECT_THAT(process().progress, IsEmpty());
  EXPECT_THAT(lose_power().progress, ElementsAre(std::pair(100'000u, 100'001u)));
}

TEST_F(Durable, ANewerLayoutStopsTheStartAndIsNamedWithItsPlace) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "t", 1);
  const std::uint8_t newer[] = {9, 1, 2, 3};
  process().store().writer().append(newer);
  sync();
  ASSERT_FALSE(lose_power().recovered.has_value());
  EXPECT_THAT(
      process().recovered.error().message,
      HasSubstr("log record 1 has layout 9, this program knows up to 1. To start without it: --set store.skip"));

  ByteWriter key;
  subscription_key(1, "t", key);
  process().store().writer().put(store::Table::subscriptions, key.view(), newer);
  sync();
  ASSERT_FALSE(lose_power().recovered.has_value());
  EXPECT_THAT(process().recovered.error().message,
              HasSubstr("subscriptions, session 1, filter \"t\" has layout 9, this program knows up to 3"));
}

TEST_F(Durable, AMessageTooLargeForItsReceiverLeavesNoExchangeBehind) {
  wire::PropertyWriter properties;
  properties.add_number(wire::PropertyId::session_expiry_interval, 1000);
  properties.add_number(wire::PropertyId::maximum_packet_size, 100);
  wire::Connect packet;
  packet.client_id = "reader";
  packet.properties = properties.properties();
  const auto reader = process().open(packet);
  process().commit();
  process().subscribe(reader, "t", 2);
  const auto writer = process().connect("writer", 0);
  process().publish(writer, "t", 2, std::string(200, 'x'), 1);
  process().publish(writer, "t", 1, "small", 2);  // takes the position that the large one did not
  process().commit();
  EXPECT_THAT(process().written(reader), ::testing::Contains(HasSubstr("PUBLISH 2 qos1 t=small")));
  std::size_t exchanges = 0;
  ASSERT_TRUE(process().store().reader().scan(store::Table::exchanges, {}, [&](ByteView, ByteView) {
    ++exchanges;
    return true;
  }));
  EXPECT_EQ(exchanges, 0u);
}

TEST_F(Durable, Qos0MessagesThatAreRetainedDoNotPileUpBeforeASlowDisk) {
  const auto writer = process().connect("writer", 0);
  process().written(writer);
  const std::string payload(1u << 19, 'x');
  for (int i = 0; i < 400 && !process().reading_paused(writer); ++i) {
    process().publish(writer, "t", 0, payload, 0, true);
    process().submit();
  }
  EXPECT_LT(process().store().pending_bytes(), 80u << 20);
  process().commit();
  EXPECT_FALSE(process().reading_paused(writer));
}

TEST_F(Durable, AWillIsStoredBeforeItsClientIsConnected) {
  const auto reader = process().connect("reader");
  process().subscribe(reader, "w", 1);
  process().leave(reader);
  wire::Connect packet;
  packet.client_id = "device";
  packet.will = wire::Will{"w", as_bytes("gone"), QoS::at_least_once, false, {}};
  const auto device = process().open(packet);
  EXPECT_THAT(process().written(device), IsEmpty());
  process().commit();
  EXPECT_THAT(process().written(device), ElementsAre(HasSubstr("CONNACK 00")));
  lose_power();
  const auto again = process().connect("reader");
  EXPECT_THAT(process().written(again), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("w=gone")));
}

TEST_F(Durable, WillsDoNotPileUpBeforeASlowDisk) {
  const std::string payload(60'000, 'x');
  wire::Connect packet;
  packet.client_id = "device";
  packet.will = wire::Will{"w", as_bytes(payload), QoS::at_least_once, false, {}};
  broker::ConnectionId last;
  for (int i = 0; i < 1500; ++i) {
    if (i > 0) process().leave(last);
    last = process().open(packet);
    process().submit();
  }
  EXPECT_LT(process().store().pending_bytes(), 70u << 20);
  EXPECT_THAT(process().written(last), ElementsAre(HasSubstr("CONNACK 89")));
}

// Who asks for a session that ends with its connection must not find the old one again after a crash.
TEST_F(Durable, ANewSessionIsConfirmedOnceTheEndOfTheOldOneIsDurable) {
  process().leave(process().connect("c"));
  sync();
  wire::Connect packet;
  packet.client_id = "c";
  packet.clean_start = true;
  const auto fresh = process().open(packet);
  EXPECT_THAT(process().written(fresh), IsEmpty());
  process().commit();
  EXPECT_THAT(process().written(fresh), ElementsAre(HasSubstr("CONNACK 00")));
  EXPECT_EQ(lose_power().recovered->sessions, 0u);
}

TEST_F(Durable, AWillThatIsDueAfterTheCrashIsNotCancelledByWhoComesBackAtOnce) {
  const auto watcher = process().connect("watcher");
  process().subscribe(watcher, "will", 1);
  process().leave(watcher);
  process().connect("c", 1000, "will");
  sync();
  lose_power();
  EXPECT_THAT(process().written(process().connect("c")), ElementsAre(HasSubstr("CONNACK 00 present")));
  EXPECT_THAT(process().written(process().connect("watcher")), ::testing::Contains(HasSubstr("will=gone")));
}

// Rules about receiving are asked for sessions that are away: they need the user name.
TEST_F(Durable, ASessionKeepsItsUserName) {
  wire::PropertyWriter properties;
  properties.add_number(wire::PropertyId::session_expiry_interval, 1000);
  wire::Connect packet;
  packet.client_id = "reader";
  packet.username = "deaf";
  packet.properties = properties.properties();
  const auto reader = process().open(packet);
  process().subscribe(reader, "t", 1);
  lose_power();
  process().access().deaf_user = "deaf";
  const auto writer = process().connect("writer", 0);
  process().publish(writer, "t", 1, "denied", 1);
  process().access().deaf_user = "somebody else";
  process().publish(writer, "t", 1, "allowed", 2);
  process().commit();
  EXPECT_THAT(process().written(process().connect("reader")), ElementsAre(HasSubstr("CONNACK 87")));
  packet.clean_start = false;
  const auto back = process().open(packet);
  process().commit();
  EXPECT_THAT(process().written(back), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("=allowed")));
}

// The same for rules of one listener, whatever order the listeners have now.
TEST_F(Durable, ASessionKeepsItsListener) {
  const auto listen = [this](const std::vector<std::string>& names) {
    options_.listeners.clear();
    for (const std::string& name : names) options_.listeners.emplace_back().name = name;
  };
  const auto deliver = [this](std::uint32_t deaf_listener) {
    process().access().deaf_listener = deaf_listener;
    process().publish(process().connect("writer", 0), "t", 1, "payload", 1);
    process().commit();
    process().access().deaf_listener.reset();
  };
  listen({"inside", "outside"});
  wire::PropertyWriter properties;
  properties.add_number(wire::PropertyId::session_expiry_interval, 1000);
  wire::Connect packet;
  packet.client_id = "reader";
  packet.properties = properties.properties();
  process().subscribe(process().open(packet, 1), "t", 1);
  process().commit();
  listen({"other", "outside", "inside"});
  lose_power();
  deliver(1);
  deliver(0);  // the one that is owed
  listen({"inside", "other"});
  lose_power();
  deliver(broker::kNoListener);
  packet.clean_start = false;
  const auto back = process().open(packet, 1);
  process().commit();
  EXPECT_THAT(process().written(back), ElementsAre(HasSubstr("CONNACK 00 present"), HasSubstr("PUBLISH")));
}

}  // namespace
}  // namespace martlet::server
