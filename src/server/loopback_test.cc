#include "server/loopback.h"

#include <gtest/gtest.h>

#include "env/posix/system.h"

namespace martlet::server {
namespace {

TEST(Loopback, Numbers) {
  EXPECT_TRUE(is_loopback_address("127.0.0.1"));
  EXPECT_TRUE(is_loopback_address("127.8.9.10"));
  EXPECT_TRUE(is_loopback_address("::1"));
  EXPECT_FALSE(is_loopback_address("0.0.0.0"));
  EXPECT_FALSE(is_loopback_address("::"));
  EXPECT_FALSE(is_loopback_address("192.0.2.1"));
  EXPECT_FALSE(is_loopback_address("127.0.0.1.example.org"));
  EXPECT_FALSE(is_loopback_address("127.example"));
}

TEST(Loopback, Endpoints) {
  const auto network = env::posix::make_network();
  ASSERT_TRUE(network);
  EXPECT_TRUE(is_loopback({"127.0.0.1", 1}, **network).value());
  EXPECT_TRUE(is_loopback({"localhost", 1}, **network).value());
  EXPECT_FALSE(is_loopback({"", 1}, **network).value());
  EXPECT_FALSE(is_loopback({"*", 1}, **network).value());
  EXPECT_FALSE(is_loopback({"0.0.0.0", 1}, **network).value());
  EXPECT_FALSE(is_loopback({"::", 1}, **network).value());
}

}  // namespace
}  // namespace martlet::server
