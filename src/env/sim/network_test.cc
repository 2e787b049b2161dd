#include "env/sim/network.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace martlet::env::sim {
namespace {

class SimNetwork : public ::testing::Test {
 protected:
  SimNetwork() { (void)network_.watch(network_.listen({}, {}).value(), {.read = true}, 1); }

  // A connection that both sides have.
  void connect() {
    link_ = network_.knock().value();
    handle_ = network_.accept(Handle::none).handle;
    (void)network_.watch(handle_, {.read = true}, 2);
  }
  std::string read() {
    std::array<std::uint8_t, 100> room{};
    const IoOutcome outcome = network_.read(handle_, room);
    status_ = outcome.status;
    return std::string(as_text(ByteView(room).first(outcome.bytes)));
  }
  IoOutcome write(std::string_view text) {
    const ByteView view = as_bytes(text);
    return network_.write(handle_, std::span(&view, 1));
  }
  std::string arrived() { return std::string(as_text(network_.arrived(link_))); }
  std::size_t events() {
    std::array<Event, 4> events;
    return network_.wait(-1, events);
  }

  SimulatedNetwork network_{10};
  LinkId link_ = 0;
  Handle handle_ = Handle::none;
  IoStatus status_ = IoStatus::ok;
};

TEST_F(SimNetwork, BytesArriveWhenTheyAreCarried) {
  connect();
  EXPECT_EQ(network_.send(link_, as_bytes("abcdef")), 6u);
  EXPECT_EQ(events(), 0u);
  EXPECT_EQ(read(), "");
  EXPECT_EQ(status_, IoStatus::would_block);
  network_.carry(link_, To::server, 2);
  EXPECT_EQ(events(), 1u);
  EXPECT_EQ(read(), "ab");
  network_.carry(link_, To::server, 100);
  EXPECT_EQ(read(), "cdef");
}

TEST_F(SimNetwork, TheBufferHoldsWhatItHoldsUntilItIsTaken) {
  connect();
  EXPECT_EQ(write("0123456789abc").bytes, 10u);
  EXPECT_TRUE(network_.server_blocked(link_));
  EXPECT_EQ(write("abc").status, IoStatus::would_block);
  network_.carry(link_, To::client, 10);
  EXPECT_EQ(write("abc").status, IoStatus::would_block) << "it has arrived, but nobody has read it";
  network_.take(link_, 4);
  EXPECT_EQ(write("abc").bytes, 3u);
  EXPECT_FALSE(network_.server_blocked(link_));
}

TEST_F(SimNetwork, ACutLosesWhatIsUnderWayAndNothingElse) {
  connect();
  network_.send(link_, as_bytes("abcdef"));
  network_.carry(link_, To::server, 2);
  write("xyz");
  network_.carry(link_, To::client, 1);
  network_.cut(link_);
  EXPECT_EQ(events(), 1u);
  EXPECT_EQ(read(), "ab");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(status_, IoStatus::failed);
  EXPECT_EQ(write("more").status, IoStatus::failed);
  EXPECT_FALSE(network_.ended(link_));
  EXPECT_EQ(arrived(), "x");
  network_.take(link_, 1);
  EXPECT_TRUE(network_.ended(link_));
}

TEST_F(SimNetwork, TheEndArrivesBehindTheLastByte) {
  connect();
  network_.send(link_, as_bytes("abc"));
  network_.leave(link_);
  network_.carry(link_, To::server, 2);
  EXPECT_EQ(read(), "ab");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(status_, IoStatus::would_block);
  network_.carry(link_, To::server, 2);
  EXPECT_EQ(read(), "c");
  EXPECT_EQ(read(), "");
  EXPECT_EQ(status_, IoStatus::closed);
  EXPECT_EQ(write("x").system_code, EPIPE);
}

TEST_F(SimNetwork, WhatWasWrittenBeforeTheCloseStillArrives) {
  connect();
  write("abc");
  network_.close(handle_);
  EXPECT_TRUE(network_.server_left(link_));
  EXPECT_FALSE(network_.ended(link_));
  network_.carry(link_, To::client, 100);
  EXPECT_EQ(arrived(), "abc");
  network_.take(link_, 3);
  EXPECT_TRUE(network_.ended(link_));
}

TEST_F(SimNetwork, NobodyAnswersWithoutAListener) {
  connect();
  const LinkId waiting = network_.knock().value();
  network_.power_cut();
  EXPECT_FALSE(network_.knock());
  EXPECT_TRUE(network_.ended(waiting));
  EXPECT_TRUE(network_.ended(link_));
  network_.close(handle_);
  network_.leave(link_);
  network_.leave(waiting);
  EXPECT_TRUE(network_.listen({}, {}).has_value());
  EXPECT_EQ(network_.knock(), LinkId{0}) << "a link that both sides have left is used again";
}

}  // namespace
}  // namespace martlet::env::sim
