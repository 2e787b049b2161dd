#include "broker/recent_log.h"

#include <gtest/gtest.h>

#include <string>

namespace martlet::broker {
namespace {

session::MessageRef message(std::string_view payload) {
  return session::MessageRef::make("t", as_bytes(payload), {}, {});
}
std::string text_of(const RecentLog& log, std::uint64_t position) {
  const RecentLog::Entry* entry = log.find(position);
  return entry ? std::string(as_text(entry->message->payload())) : "none";
}

TEST(RecentLog, FindsByPositionAcrossGaps) {
  RecentLog log;
  for (const std::uint64_t position : {5, 6, 9, 10, 20}) log.push(position, message(std::to_string(position)));
  for (const std::uint64_t position : {5, 6, 9, 10, 20}) EXPECT_EQ(text_of(log, position), std::to_string(position));
  for (const std::uint64_t position : {4, 7, 11, 21}) EXPECT_EQ(text_of(log, position), "none");
  log.withdraw();
  EXPECT_EQ(text_of(log, 20), "none");
}

TEST(RecentLog, ShrinksToItsBoundButKeepsWhatTheDiskDoesNotHave) {
  RecentLog log;
  for (std::uint64_t position = 1; position <= 10; ++position) log.push(position, message(std::string(1000, 'x')));
  const std::uint64_t ten = log.bytes();
  log.shrink(ten / 2, 4);
  EXPECT_EQ(log.find(3), nullptr);
  EXPECT_NE(log.find(4), nullptr);
  log.shrink(ten / 2, 11);
  EXPECT_EQ(log.find(5), nullptr);
  EXPECT_NE(log.find(6), nullptr);
  EXPECT_EQ(log.bytes(), ten / 2);
  log.shrink(0, 11);
  EXPECT_EQ(log.bytes(), 0u);
}

TEST(RecentLog, CountsTheIdentifiersThatItKeeps) {
  RecentLog log;
  log.push(1, message("x"));
  const std::uint64_t alone = log.bytes();
  const std::uint32_t identifiers[] = {1, 2, 3};
  for (std::uint64_t key = 1; key <= 1000; ++key) {
    log.keep_identifiers(key, session::SubscriptionIdentifiers(identifiers));
  }
  EXPECT_GE(log.bytes(), alone + 1000 * (sizeof(std::uint64_t) + sizeof identifiers));
  log.push(2, message("x"));
  log.shrink(alone, 3);
  EXPECT_EQ(log.find(1), nullptr);
  EXPECT_EQ(log.bytes(), alone);
}

}  // namespace
}  // namespace martlet::broker
