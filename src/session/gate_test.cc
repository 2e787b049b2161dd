#include "session/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/test_support.h"

namespace martlet::session::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr wire::ProtocolVersion kVersion = wire::ProtocolVersion::v5_0;

class GateTest : public ::testing::Test {
 protected:
  void pass(std::uint16_t packet_id, Ticket ticket) {
    gate_.pass(Acknowledgement(ticket, wire::PublishAck{wire::PacketType::puback, packet_id, {}, {}}), kVersion, out_);
  }
  Texts written() { return take_packets(out_, kVersion, wire::Sender::server); }
  Gate gate_;
  ByteChain out_;
};

TEST_F(GateTest, NothingOwedLeavesAtOnce) {
  pass(1, Ticket::done());
  EXPECT_THAT(written(), ElementsAre("PUBACK 1 00"));
  EXPECT_FALSE(gate_.holds_any());
}

TEST_F(GateTest, NothingLeavesBeforeItIsDurable) {
  pass(1, Ticket::at(10));
  EXPECT_THAT(written(), IsEmpty());
  gate_.open_to(9, out_);
  EXPECT_THAT(written(), IsEmpty());
  EXPECT_TRUE(gate_.holds_any());
  gate_.open_to(10, out_);
  EXPECT_THAT(written(), ElementsAre("PUBACK 1 00"));
  EXPECT_FALSE(gate_.holds_any());
  pass(2, Ticket::at(10));
  EXPECT_THAT(written(), ElementsAre("PUBACK 2 00"));
}

TEST_F(GateTest, KeepsTheOrder) {
  pass(1, Ticket::at(5));
  pass(2, Ticket::done());
  pass(3, Ticket::at(3));
  pass(4, Ticket::at(8));
  EXPECT_THAT(written(), IsEmpty());
  gate_.open_to(4, out_);
  EXPECT_THAT(written(), IsEmpty());
  gate_.open_to(7, out_);
  EXPECT_THAT(written(), ElementsAre("PUBACK 1 00", "PUBACK 2 00", "PUBACK 3 00"));
  pass(5, Ticket::done());
  EXPECT_THAT(written(), IsEmpty());
  gate_.open_to(100, out_);
  EXPECT_THAT(written(), ElementsAre("PUBACK 4 00", "PUBACK 5 00"));
}

TEST_F(GateTest, KeepsTheBytesNotTheViews) {
  {
    std::string reason = "why it failed";
    wire::PropertyWriter properties;
    properties.add_text(wire::PropertyId::reason_string, reason);
    gate_.pass(
        Acknowledgement(Ticket::at(1), wire::PublishAck{wire::PacketType::puback, 1, wire::ReasonCode::quota_exceeded,
                                                        properties.properties()}),
        kVersion, out_);
  }
  gate_.open_to(1, out_);
  EXPECT_THAT(written(), ElementsAre("PUBACK 1 97 1F=why it failed"));
}

}  // namespace
}  // namespace martlet::session::test
