#include "net/layer_stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "net/testing/framed_layer.h"
#include "net/testing/taken_text.h"

namespace martlet::net {
namespace {

using testing::framed;
using testing::FramedFactory;
using testing::unframed;

constexpr char kLower = 0x11;
constexpr char kUpper = 0x22;

struct Two {
  FramedFactory lower{kLower};
  FramedFactory upper{kUpper};
  LayerStack stack{{&lower, &upper}, "192.0.2.9:50000"};
  LayerStack::Scratch scratch;

  std::string receive(std::string_view wire) { return std::string(as_text(stack.receive(as_bytes(wire), scratch))); }
  // Both handshakes.
  void greet() {
    receive("hi\n" + framed("hi\n", kLower));
    testing::taken_text(stack.wire());
  }
};

TEST(LayerStack, ShakesHandsFromBelow) {
  Two two;
  EXPECT_FALSE(two.stack.ready());
  EXPECT_EQ(two.receive("hi\n"), "");
  EXPECT_EQ(testing::taken_text(two.stack.wire()), "ok\n");
  EXPECT_FALSE(two.stack.ready());
  EXPECT_EQ(two.stack.facts(), nullptr);
  EXPECT_EQ(two.receive(framed("hi\n" + framed("first", kUpper), kLower)), "first");
  EXPECT_TRUE(two.stack.ready());
  EXPECT_EQ(testing::taken_text(two.stack.wire()), framed("ok\n", kLower));
  ASSERT_NE(two.stack.facts(), nullptr);
  EXPECT_EQ(two.stack.facts()->server_name, std::string("framed ") + kLower + "framed " + kUpper);
  EXPECT_EQ(two.stack.facts(), two.stack.facts());
  EXPECT_THAT(two.lower.addresses, ::testing::ElementsAre("192.0.2.9:50000"));
}

TEST(LayerStack, SendsNothingBeforeItIsReady) {
  Two two;
  ByteChain plain;
  plain.append(as_bytes("early"));
  two.receive("hi\n");
  EXPECT_EQ(two.stack.send(plain), 0u);
  EXPECT_EQ(plain.size(), 5u);
  two.receive(framed("hi\n", kLower));
  testing::taken_text(two.stack.wire());
  EXPECT_EQ(two.stack.send(plain), 5u);
  EXPECT_EQ(testing::taken_text(two.stack.wire()), framed(framed("early", kUpper), kLower));
}

TEST(LayerStack, StaysALittleAheadOfTheSocket) {
  Two two;
  two.greet();
  ByteChain plain;
  const std::string text(300'000, 'p');
  plain.append(as_bytes(text));
  std::string wire;
  while (!plain.empty()) {
    EXPECT_GT(two.stack.send(plain), 0u);
    ASSERT_LE(two.stack.wire().size(), LayerStack::kAheadBytes + 1000);
    EXPECT_FALSE(two.stack.clogged());
    EXPECT_EQ(two.stack.send(plain), 0u);
    wire += testing::taken_text(two.stack.wire());
  }
  EXPECT_EQ(unframed("ok\n" + unframed("ok\n" + wire, kLower), kUpper), text);
}

TEST(LayerStack, SaysGoodbyeFromAbove) {
  Two two;
  two.greet();
  two.stack.end();
  two.stack.end();
  EXPECT_EQ(testing::taken_text(two.stack.wire()), framed(std::string_view("\0", 1), kLower) + '\0');
  ByteChain plain;
  plain.append(as_bytes("late"));
  EXPECT_EQ(two.stack.send(plain), 0u);
}

TEST(LayerStack, EndsWhereALayerDoes) {
  Two two;
  two.greet();
  EXPECT_EQ(two.receive(framed(framed("last", kUpper) + '\0' + framed("ignored", kUpper), kLower)), "last");
  EXPECT_EQ(two.stack.status(), LayerStatus::ended);
  // It may still be answered.
  ByteChain plain;
  plain.append(as_bytes("answer"));
  EXPECT_EQ(two.stack.send(plain), 6u);
}

TEST(LayerStack, LetsTheLayersBelowAFailedOneSayGoodbye) {
  Two two;
  two.greet();
  EXPECT_EQ(two.receive(framed(framed("good", kUpper) + "\xff", kLower)), "good");
  EXPECT_EQ(two.stack.status(), LayerStatus::failed);
  EXPECT_EQ(two.stack.failure(), "a record is too long");
  two.stack.end();
  EXPECT_EQ(testing::taken_text(two.stack.wire()), framed("!", kLower) + '\0');
  ByteChain plain;
  plain.append(as_bytes("late"));
  EXPECT_EQ(two.stack.send(plain), 0u);
}

TEST(LayerStack, SaysNothingAboveAFailedOne) {
  Two two;
  two.receive("hello");
  EXPECT_EQ(two.stack.status(), LayerStatus::failed);
  EXPECT_EQ(two.stack.failure(), "no greeting");
  two.stack.end();
  EXPECT_EQ(testing::taken_text(two.stack.wire()), "!");
}

RC_GTEST_PROP(LayerStack, GivesTheSameForAnyChunking, (const std::string& text)) {
  Two two;
  const std::string upper = "hi\n" + framed(text, kUpper);
  const std::string wire = "hi\n" + framed(upper, kLower);
  std::string plain;
  for (std::string_view rest = wire; !rest.empty();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, std::min<std::size_t>(rest.size(), 40) + 1);
    plain += two.receive(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  RC_ASSERT(plain == text);
  RC_ASSERT(testing::taken_text(two.stack.wire()) == "ok\n" + framed("ok\n", kLower));
}

}  // namespace
}  // namespace martlet::net
