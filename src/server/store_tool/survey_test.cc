// What a walk over a store counts and what it finds wrong, on stores made for it in memory.
#include "server/store_tool/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/durable/durable_records.h"
#include "server/durable/record_codec.h"
#include "server/store_tool/dump.h"
#include "server/store_tool/report.h"
#include "store/memory/memory_backend.h"
#include "store/store.h"

namespace martlet::server {
namespace {

using store::Table;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::QoS;

constexpr Now kNow{1'000, 1'700'000'000'000};

class StoreTool : public ::testing::Test {
 protected:
  void session(std::uint64_t key, std::string_view client_id, std::uint64_t cursor) {
    put(
        Table::sessions, [&](ByteWriter& to) { session_key(key, to); },
        [&](ByteWriter& to) {
          encode(broker::SessionChanged{key, client_id, 60, cursor, 1'600'000'000'000, 0}, to);
        });
  }
  void outgoing(std::uint64_t key, std::uint64_t position, std::uint16_t packet_id, broker::ExchangeState state) {
    put(
        Table::exchanges, [&](ByteWriter& to) { outgoing_key(key, position, to); },
        [&](ByteWriter& to) {
          to.number16(packet_id);
          to.number8(static_cast<std::uint8_t>(state));
        });
  }
  void subscription(std::uint64_t key, std::string_view filter) {
    put(
        Table::subscriptions, [&](ByteWriter& to) { subscription_key(key, filter, to); },
        [&](ByteWriter& to) {
          encode(broker::SubscriptionChanged{key, filter, {}, 0}, to);
        });
  }
  void message(std::initializer_list<std::uint64_t> keys, std::string_view share = {}) {
    std::vector<broker::Owed> owed;
    for (const std::uint64_t key : keys) owed.push_back(owed_to(key, share));
    ByteWriter bytes;
    encode(broker::MessageOwed{*text_message(), 0, 0, owed}, kNow, bytes);
    store_->writer().append(bytes.view());
  }
  void handed_over(std::uint64_t position, std::uint64_t from, std::uint64_t to) {
    ByteWriter bytes;
    const broker::Owed owed = owed_to(to, "$share/g/t");
    encode(broker::HandedOver{position, from, *text_message(), {&owed, 1}}, kNow, bytes);
    store_->writer().append(bytes.view());
  }
  template <class Key, class Value>
  void put(Table table, Key&& write_key, Value&& write_value) {
    ByteWriter key;
    ByteWriter value;
    write_key(key);
    write_value(value);
    store_->writer().put(table, key.view(), value.view());
  }
  // All that is wrong.
  std::vector<std::string> wrong() {
    commit();
    std::vector<std::string> damages;
    SurveyListener listener;
    listener.damage = [&](const std::string& text) { damages.push_back(text); };
    survey_ = survey(store_->reader(), listener);
    EXPECT_EQ(survey_.damages, damages.size());
    return damages;
  }
  std::vector<std::string> lines(const DumpOptions& options) {
    commit();
    std::vector<std::string> shown;
    dump(
        store_->reader(), options,
        [&](std::string_view line) {
          shown.emplace_back(line);
          return true;
        },
        [&](const std::string& damage) { shown.push_back("damage: " + damage); });
    return shown;
  }
  void commit() {
    static_cast<void>(store_->writer().ticket(Durability::fsync, 0));
    store_->writer().submit();
    while (store_->step()) {
    }
  }
  void damage_record(store::Position position) {
    commit();
    disk_ = disk_->power_cut();
    disk_->damage_record(position);
    store_ = store::Store::stepped(store::open_memory(disk_), {});
  }
  static broker::Owed owed_to(std::uint64_t key, std::string_view share) {
    broker::Owed owed;
    owed.session_key = key;
    owed.qos = QoS::at_least_once;
    owed.share = share;
    return owed;
  }
  static session::MessageRef text_message() {
    session::MessageFacts facts;
    facts.qos = QoS::at_least_once;
    facts.received_wall_ms = 1'650'000'000'000;
    return session::MessageRef::make("t", as_bytes("payload"), {}, facts);
  }

  std::shared_ptr<store::MemoryDisk> disk_ = std::make_shared<store::MemoryDisk>();
  std::unique_ptr<store::Store> store_ = store::Store::stepped(store::open_memory(disk_), {});
  Survey survey_;
};

TEST_F(StoreTool, OfASessionThatEndedOnlySharedMessagesAreOwed) {
  session(1, "", 1);
  session(2, "", 1);
  message({1});
  message({1, 2}, "$share/g/t");
  EXPECT_THAT(wrong(), IsEmpty()) << "any number of them has no client identifier";
  EXPECT_EQ(survey_.sessions.at(1).owed, 1u);
  EXPECT_EQ(survey_.sessions.at(1).oldest_owed, 2u);
  EXPECT_THAT(report_text(survey_, {}, 2), HasSubstr("other members"));
}

TEST_F(StoreTool, CountsWhatEachSessionIsOwed) {
  session(1, "one", 2);
  session(2, "two", 1);
  message({1, 2, 99});
  message({1, 2});
  message({1}, "$share/g/t");
  handed_over(3, 1, 2);
  outgoing(2, 2, 7, broker::ExchangeState::finished);
  outgoing(2, 1, 8, broker::ExchangeState::received);
  subscription(1, "a/#");
  subscription(98, "left/over");
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(survey_.records, 4u);
  EXPECT_EQ(survey_.handed_over, 1u);
  EXPECT_EQ(survey_.sessions.at(1).owed, 1u);  // 1 is below the cursor, 3 was handed over
  EXPECT_EQ(survey_.sessions.at(1).oldest_owed, 2u);
  EXPECT_EQ(survey_.sessions.at(2).owed, 2u);  // 2 is finished
  EXPECT_EQ(survey_.sessions.at(2).owed_bytes, 14u);
  EXPECT_EQ(survey_.outgoing, 1u);
  EXPECT_EQ(survey_.left_over, 1u);
  EXPECT_EQ(survey_.oldest_wall_ms, 1'650'000'000'000);

  const std::string text = report_text(survey_, {{"1.sst", "log", 2048, 4}, {"2.log", "", 1024, 0}}, 1);
  EXPECT_THAT(text, HasSubstr("2.0 KiB in tables, 1.0 KiB in write-ahead logs"));
  EXPECT_THAT(text, HasSubstr("owed            3 messages to 2 sessions; the last cursor is 4 positions behind"));
  EXPECT_THAT(text, HasSubstr("\"two\" (session 2, away since 2020-09-13T12:26:40.000Z)"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("\"one\"")));
  EXPECT_THAT(report_json(survey_, {}, 2), HasSubstr("\"owed\":3,\"owed_sessions\":2,\"cursor_lag\":4,"));
}

TEST_F(StoreTool, SaysWhatIsWrongAndWhere) {
  session(1, "one", 1);
  session(2, "one", 9);
  message({1});
  const std::uint8_t newer[] = {9, 1};
  store_->writer().append(newer);
  handed_over(3, 1, 2);
  outgoing(1, 3, 5, broker::ExchangeState::sending);
  outgoing(1, 2, 5, broker::ExchangeState::sending);
  outgoing(1, 70, 6, broker::ExchangeState::sending);
  subscription(1, "a/#/b");
  store_->writer().put(Table::retained, as_bytes("t"), as_bytes(std::string_view("\x01 cut", 5)));
  store_->writer().put(Table::wills, as_bytes("me"), newer);
  EXPECT_THAT(
      wrong(),
      ElementsAre("sessions, session 2 has the client identifier \"one\" of another session",
                  "subscriptions, session 1, filter \"a/#/b\" has a filter that is none",
                  "exchanges, session 1, outgoing position 3 has the packet identifier 5 of another message",
                  "exchanges, session 1, outgoing position 70 is of a message behind the log's end 4",
                  "retained, topic \"t\" is damaged", "wills, client \"me\" has layout 9, this program knows up to 1",
                  "log record 2 has layout 9, this program knows up to 1", "log record 3 hands over itself"));
}

// Of several cores: a cursor in positions that its core has not used, holes, and a hand-over whose record has the lower
// position.
TEST_F(StoreTool, ALogOfSeveralCoresIsInOrder) {
  store_ = store::Store::stepped(store::open_memory(disk_), {}, 2);
  session(1, "one", 1);
  session(2, "two", 5000);
  session(3, "three", 1);
  handed_over(1 + store::kChunk, 1, 3);
  ByteWriter bytes;
  const broker::Owed owed[] = {owed_to(1, "$share/g/t")};
  encode(broker::MessageOwed{*text_message(), 0, 0, owed}, kNow, bytes);
  EXPECT_EQ(store_->writer(1).append(bytes.view()), 1 + store::kChunk);
  store_->writer(1).submit();
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(survey_.records, 2u);
  EXPECT_EQ(survey_.sessions.at(1).owed, 0u);
  EXPECT_EQ(survey_.sessions.at(3).owed, 1u);
  EXPECT_THAT(report_text(survey_, {}, 1), HasSubstr("owed            1 messages to 1 sessions"));
}

TEST_F(StoreTool, NeighboursThatAreDamagedAreNamedOnce) {
  session(1, "one", 1);
  for (int i = 0; i < 10; ++i) message({1});
  for (const store::Position lost : {3, 4, 5, 8}) damage_record(lost);
  const auto damages = wrong();
  ASSERT_EQ(damages.size(), 2u);
  EXPECT_THAT(damages[0], HasSubstr("log records 3 to 5 cannot be read"));
  EXPECT_THAT(damages[1], HasSubstr("log record 8"));
  EXPECT_EQ(survey_.records, 6u);
}

TEST_F(StoreTool, DumpsWhatIsAskedFor) {
  session(1, "one", 1);
  for (int i = 0; i < 4; ++i) message({1});
  subscription(1, "a/#");
  DumpOptions options;
  EXPECT_EQ(lines(options).size(), 6u);
  options.table = "log";
  options.from = 3;
  EXPECT_THAT(lines(options), ElementsAre(HasSubstr("log position=3 kind=message topic=\"t\" qos=1 "
                                                    "received=2022-04-15T05:20:00.000Z payload_bytes=7 "
                                                    "payload=\"payload\" owed=[session=1 qos=1]"),
                                          HasSubstr("position=4")));
  options.count = 1;
  EXPECT_EQ(lines(options).size(), 1u);
  damage_record(3);
  EXPECT_THAT(lines(options), ElementsAre(HasSubstr("damage: "), HasSubstr("position=4")));
  options.table = "subscriptions";
  options.json = true;
  EXPECT_THAT(lines(options),
              ElementsAre("{\"table\":\"subscriptions\",\"session\":1,\"filter\":\"a/#\",\"qos\":0}\n"));
}

}  // namespace
}  // namespace martlet::server
