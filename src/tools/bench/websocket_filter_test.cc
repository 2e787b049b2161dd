#include "tools/bench/websocket_filter.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::tools::bench {
namespace {

using testing::HasSubstr;

ByteBuffer bytes_of(std::string_view text) {
  return {as_bytes(text).begin(), as_bytes(text).end()};
}

struct Peer {
  // Starts the handshake; keeps the key that the server must answer.
  Peer() {
    ByteBuffer request;
    filter.start(request);
    const std::string text(as_text(request));
    const std::size_t at = text.find("Sec-WebSocket-Key: ") + 19;
    key = text.substr(at, text.find("\r\n", at) - at);
  }
  std::string answer() const {
    return fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nUPGRADE: websocket\r\nsec-websocket-accept: {}\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
        websocket_accept(key));
  }
  bool receive(ByteView bytes) { return filter.receive(bytes, to_user, to_peer); }
  bool receive(std::string_view text) { return receive(as_bytes(text)); }

  WebSocketFilter filter{"broker.example:80", "/mqtt", 7};
  std::string key;
  ByteBuffer to_user, to_peer;
};

// A client's frame without its mask; the header must be of two bytes.
std::string unmasked(const ByteBuffer& frame) {
  std::string text;
  for (std::size_t i = 6; i < frame.size(); ++i) text += static_cast<char>(frame[i] ^ frame[2 + (i - 6) % 4]);
  return text;
}

TEST(WebSocketFilter, AcceptsTheKeyOfTheStandard) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketFilter, OpensWhateverPiecesTheAnswerComesIn) {
  Peer peer;
  const std::string text = peer.answer() + "\x82\x03" + "abc";
  for (const char c : text) {
    ASSERT_TRUE(peer.receive(std::string_view(&c, 1))) << peer.filter.error();
  }
  EXPECT_TRUE(peer.filter.ready());
  EXPECT_EQ(as_text(peer.to_user), "abc");
}

TEST(WebSocketFilter, TakesFramesBehindTheAnswerInOnePiece) {
  Peer peer;
  ASSERT_TRUE(peer.receive(peer.answer() + "\x82\x01" + "a" + "\x02\x01" + "b" + "\x80\x01" + "c"));
  EXPECT_EQ(as_text(peer.to_user), "abc");
}

TEST(WebSocketFilter, NamesWhatIsWrongWithTheAnswer) {
  Peer refused;
  EXPECT_FALSE(refused.receive("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n"));
  EXPECT_THAT(refused.filter.error(), HasSubstr("\"HTTP/1.1 404 Not Found\""));
  Peer stranger;
  EXPECT_FALSE(stranger.receive("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: zzz\r\n\r\n"));
  EXPECT_THAT(stranger.filter.error(), HasSubstr("Accept is wrong"));
  Peer other;
  std::string answer = other.answer();
  answer.replace(answer.find("mqtt"), 4, "chat");
  EXPECT_FALSE(other.receive(answer));
  EXPECT_THAT(other.filter.error(), HasSubstr("sub-protocol"));
}

TEST(WebSocketFilter, SendsMaskedBinaryFramesOfEveryLength) {
  Peer peer;
  ASSERT_TRUE(peer.receive(peer.answer()));
  ASSERT_TRUE(peer.filter.send(bytes_of("some bytes, more than eight"), peer.to_peer));
  EXPECT_EQ(peer.to_peer[0], 0x82);
  EXPECT_EQ(peer.to_peer[1], 0x80 | 27);
  EXPECT_EQ(unmasked(peer.to_peer), "some bytes, more than eight");
  ByteBuffer medium, large;
  ASSERT_TRUE(peer.filter.send(ByteBuffer(300), medium));
  EXPECT_EQ(medium.size(), 4 + 4 + 300u);
  EXPECT_EQ(ByteBuffer(medium.begin(), medium.begin() + 4), (ByteBuffer{0x82, 0x80 | 126, 1, 44}));
  ASSERT_TRUE(peer.filter.send(ByteBuffer(70'000), large));
  EXPECT_EQ(large.size(), 10 + 4 + 70'000u);
  EXPECT_EQ(ByteBuffer(large.begin(), large.begin() + 10), (ByteBuffer{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 17, 112}));
}

TEST(WebSocketFilter, ReadsEveryLength) {
  Peer peer;
  ASSERT_TRUE(peer.receive(peer.answer()));
  ByteBuffer frames{0x82, 126, 1, 44};
  frames.resize(frames.size() + 300, 'm');
  append_bytes(frames, ByteBuffer{0x82, 127, 0, 0, 0, 0, 0, 1, 17, 112});
  frames.resize(frames.size() + 70'000, 'l');
  append_bytes(frames, ByteBuffer{0x82, 0, 0x82, 1, 'e'});
  for (std::size_t at = 0; at < frames.size(); at += 1000) {
    ASSERT_TRUE(peer.receive(ByteView(frames).subspan(at, std::min<std::size_t>(1000, frames.size() - at))));
  }
  EXPECT_EQ(peer.to_user.size(), 70'301u);
  EXPECT_EQ(peer.to_user.back(), 'e');
}

TEST(WebSocketFilter, AnswersPingsInTheMiddleOfAMessage) {
  Peer peer;
  ASSERT_TRUE(peer.receive(peer.answer()));
  ASSERT_TRUE(
      peer.receive(std::string_view("\x02\x01"
                                    "a"
                                    "\x89\x02hi\x8A\x00\x80\x01"
                                    "b",
                                    12)));
  EXPECT_EQ(as_text(peer.to_user), "ab");
  EXPECT_EQ(peer.to_peer[0], 0x8A);
  EXPECT_EQ(unmasked(peer.to_peer), "hi");
}

TEST(WebSocketFilter, AnswersACloseAndIsOver) {
  Peer peer;
  ASSERT_TRUE(peer.receive(peer.answer()));
  ASSERT_TRUE(peer.receive(std::string_view("\x88\x02\x03\xE8\x82\x01x", 7)));
  EXPECT_FALSE(peer.filter.ready());
  EXPECT_EQ(peer.to_peer[0], 0x88);
  EXPECT_TRUE(peer.to_user.empty());
  ByteBuffer more;
  peer.filter.close(more);
  EXPECT_TRUE(more.empty());
}

TEST(WebSocketFilter, RefusesFramesThatNoServerMaySend) {
  for (const std::string_view frame :
       {std::string_view("\x81\x01x", 3), std::string_view("\xC2\x01x", 3), std::string_view("\x82\x81xxxxx", 7),
        std::string_view("\x80\x01x", 3), std::string_view("\x09\x00", 2), std::string_view("\x83\x00", 2)}) {
    Peer peer;
    ASSERT_TRUE(peer.receive(peer.answer()));
    EXPECT_FALSE(peer.receive(frame));
    EXPECT_THAT(peer.filter.error(), HasSubstr("WebSocket"));
  }
}

}  // namespace
}  // namespace martlet::tools::bench
