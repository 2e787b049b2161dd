#include "tools/prove/payload.h"

#include <gtest/gtest.h>

namespace martlet::tools::prove {
namespace {

constexpr MessageId kId{.publisher = 7, .topic = 1, .qos = wire::QoS::exactly_once, .sequence = 1'000'000'007};

TEST(ProvePayload, SaysWhichMessageItIs) {
  for (const std::size_t bytes : {kLeastPayloadBytes, std::size_t{41}, std::size_t{64}, std::size_t{5000}}) {
    const std::string payload = make_payload(3, kId, bytes);
    EXPECT_EQ(payload.size(), bytes);
    EXPECT_EQ(read_payload(3, as_bytes(payload)), kId);
  }
}

TEST(ProvePayload, EveryChangedBitShows) {
  std::string payload = make_payload(3, kId, 57);
  for (std::size_t bit = 0; bit < payload.size() * 8; ++bit) {
    payload[bit / 8] = static_cast<char>(payload[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(read_payload(3, as_bytes(payload)), std::nullopt) << bit;
    payload[bit / 8] = static_cast<char>(payload[bit / 8] ^ 1 << bit % 8);
  }
}

TEST(ProvePayload, EveryOtherLengthShows) {
  const std::string payload = make_payload(3, kId, 57);
  for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
    EXPECT_EQ(read_payload(3, as_bytes(payload).first(bytes)), std::nullopt) << bytes;
  }
  EXPECT_EQ(read_payload(3, as_bytes(payload + '\0')), std::nullopt);
}

TEST(ProvePayload, AnotherRunsMessagesAreNotOurs) {
  EXPECT_EQ(read_payload(4, as_bytes(make_payload(3, kId, 64))), std::nullopt);
}

TEST(ProvePayload, PartsOfTwoMessagesMakeNone) {
  MessageId next = kId;
  ++next.sequence;
  const std::string one = make_payload(3, kId, 200);
  const std::string other = make_payload(3, next, 200);
  EXPECT_EQ(read_payload(3, as_bytes(one.substr(0, 100) + other.substr(100))), std::nullopt);
}

}  // namespace
}  // namespace martlet::tools::prove
