#include "server/durable/place.h"

#include <gtest/gtest.h>

#include "server/durable/durable_records.h"

namespace martlet::server {
namespace {

using store::Table;

TEST(Place, KeysAreNamedByWhatTheyMean) {
  ByteWriter key;
  session_key(5, key);
  EXPECT_EQ(place_of(Table::sessions, key.view()), "sessions, session 5");
  key.clear();
  subscription_key(5, "a/\n#", key);
  EXPECT_EQ(place_of(Table::subscriptions, key.view()), "subscriptions, session 5, filter \"a/\\x0a#\"");
  key.clear();
  incoming_key(6, 11, key);
  EXPECT_EQ(place_of(Table::exchanges, key.view()), "exchanges, session 6, incoming packet identifier 11");
  key.clear();
  outgoing_key(6, 70'000, key);
  EXPECT_EQ(place_of(Table::exchanges, key.view()), "exchanges, session 6, outgoing position 70000");
  EXPECT_EQ(place_of(Table::retained, as_bytes("a/b")), "retained, topic \"a/b\"");
  EXPECT_EQ(place_of(Table::wills, as_bytes("me")), "wills, client \"me\"");
  EXPECT_EQ(place_of(store::Position{7}), "log record 7");
}

TEST(Place, KeysOfAnotherFormAreShownInHexadecimal) {
  EXPECT_EQ(place_of(Table::sessions, as_bytes("ab")), "sessions, key 6162");
  EXPECT_EQ(place_of(Table::exchanges, as_bytes("12345678x")), "exchanges, key 313233343536373878");
  EXPECT_EQ(place_of(Table::exchanges, as_bytes(std::string(100, 'a'))).size(), 11 + 4 + 2 * 64 + 3u);
}

}  // namespace
}  // namespace martlet::server
