#include "broker/sys_topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace martlet::broker {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

using Published = std::map<std::string, std::string>;

class SysTopicsTest : public testing::Test {
 protected:
  Published update(std::int64_t after_ms) {
    Published published;
    topics.update(figures, {5'000 + after_ms, 0}, [&](std::string_view topic, std::string_view payload) {
      const bool first = published.emplace(topic, payload).second;
      EXPECT_TRUE(first) << topic << " was published twice in one update";
    });
    return published;
  }

  BrokerOptions options;
  SysFigures figures;
  SysTopics topics{options, {5'000, 0}};
};

TEST_F(SysTopicsTest, ALogHasFiguresOfItsOwn) {
  EXPECT_THAT(update(0), Not(Contains(Key("$SYS/broker/store/unsafe_messages"))));
  figures.log = LogFigures{.unsafe_messages = 7, .pending_bytes = 8, .commit_p99_us = 9};
  const Published published = update(1'000);
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/store/unsafe_messages", "7")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/store/pending_bytes", "8")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/store/commit_p99_us", "9")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/store/state", "ok")));
  figures.log->failing = true;
  EXPECT_THAT(update(2'000), Contains(Pair("$SYS/broker/store/state", "failing")));
}

TEST_F(SysTopicsTest, FirstUpdateHasMosquittosNames) {
  figures.queues.emplace();
  const Published published = update(0);
  for (const char* name : {"bytes/received",
                           "bytes/sent",
                           "clients/active",
                           "clients/connected",
                           "clients/disconnected",
                           "clients/expired",
                           "clients/inactive",
                           "clients/maximum",
                           "clients/total",
                           "messages/received",
                           "messages/sent",
                           "messages/stored",
                           "publish/bytes/received",
                           "publish/bytes/sent",
                           "publish/messages/dropped",
                           "publish/messages/received",
                           "publish/messages/sent",
                           "retained messages/count",
                           "shared_subscriptions/count",
                           "store/messages/bytes",
                           "store/messages/count",
                           "subscriptions/count",
                           "uptime",
                           "version"}) {
    EXPECT_THAT(published, Contains(Key(std::string("$SYS/broker/") + name)));
  }
  for (const char* load : {"bytes/received", "bytes/sent", "connections", "messages/received", "messages/sent",
                           "publish/dropped", "publish/received", "publish/sent", "sockets"}) {
    for (const char* period : {"1min", "5min", "15min"}) {
      EXPECT_THAT(published, Contains(Pair(std::string("$SYS/broker/load/") + load + "/" + period, "0.00")));
    }
  }
}

TEST_F(SysTopicsTest, ShowsTheFigures) {
  options.version = "1.2.3";
  figures.sessions = 5;
  figures.counters.clients_connected = 2;
  figures.counters.publish_bytes_sent = 18'446'744'073'709'551'615u;
  figures.retained_messages = 10;
  figures.queues = SysQueues{.waiting_messages = 7, .waiting_bytes = 700, .in_flight = 3};
  const Published published = update(1'999);
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/version", "martlet version 1.2.3")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/uptime", "1 seconds")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/clients/total", "5")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/clients/disconnected", "3")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/publish/bytes/sent", "18446744073709551615")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/store/messages/count", "17")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/messages/inflight", "3")));
}

TEST_F(SysTopicsTest, OnlyWhatChangedIsPublishedAgain) {
  update(0);
  EXPECT_THAT(update(900), IsEmpty());
  figures.subscriptions = 1;
  EXPECT_EQ(update(950), (Published{{"$SYS/broker/subscriptions/count", "1"}}));
  EXPECT_EQ(update(1'000), (Published{{"$SYS/broker/uptime", "1 seconds"}}));
}

// The figures that Mosquitto 2.0.11 showed 11 s after its start, when one client had connected and sent 2 packets of
// together 27 bytes.
TEST_F(SysTopicsTest, LoadsAreMosquittosMovingAverages) {
  update(0);
  figures.counters.packets_received = 2;
  figures.counters.bytes_received = 27;
  figures.counters.connections_accepted = 1;
  figures.counters.connects_received = 1;
  const Published published = update(11'000);
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/load/messages/received/1min", "1.83")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/load/messages/received/5min", "0.39")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/load/messages/received/15min", "0.13")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/load/bytes/received/1min", "24.67")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/load/bytes/received/15min", "1.79")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/load/connections/5min", "0.20")));
  EXPECT_THAT(published, Contains(Pair("$SYS/broker/load/sockets/1min", "0.91")));
}

TEST_F(SysTopicsTest, LoadsFallBackToNothing) {
  figures.counters.publish_received = 1'000;
  update(10'000);
  const Published later = update(60'000'000);
  EXPECT_THAT(later, Contains(Pair("$SYS/broker/load/publish/received/15min", "0.00")));
}

TEST_F(SysTopicsTest, UncountedQueuesKeepTheirValue) {
  figures.queues.emplace().in_flight = 4;
  update(0);
  figures.queues.reset();
  figures.retained_messages = 1;
  const Published published = update(1);
  EXPECT_THAT(published, Contains(Key("$SYS/broker/retained messages/count")));
  EXPECT_THAT(published, Not(Contains(Key("$SYS/broker/messages/inflight"))));
  EXPECT_THAT(published, Not(Contains(Key("$SYS/broker/store/messages/count"))));
}

}  // namespace
}  // namespace martlet::broker
