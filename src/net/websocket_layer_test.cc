#include "net/websocket_layer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "net/testing/taken_text.h"
#include "net/testing/websocket_client.h"

namespace martlet::net {
namespace {

using testing::client_frame;
using ::testing::HasSubstr;
using testing::kBrowserUpgrade;

constexpr std::uint8_t kBinary = 0x82;

struct Peer {
  WebSocketLayer layer{std::make_shared<const WebSocketOptions>()};
  std::vector<std::uint8_t> up;
  ByteChain down;

  // Returns what is answered.
  std::string say(std::string_view wire) {
    status = layer.receive(as_bytes(wire), up, down);
    return testing::taken_text(down);
  }
  Peer&& upgraded() && {
    say(kBrowserUpgrade);
    EXPECT_TRUE(layer.ready());
    return std::move(*this);
  }
  std::string heard() const { return std::string(as_text(up)); }

  LayerStatus status = LayerStatus::open;
};

std::string server_frame(std::uint8_t first, std::string_view payload) {
  std::string frame = {static_cast<char>(first), static_cast<char>(payload.size())};
  return frame + std::string(payload);
}

std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + std::string(reason);
}

TEST(WebSocketLayer, CarriesBytesBothWays) {
  Peer peer;
  EXPECT_FALSE(peer.layer.ready());
  EXPECT_THAT(peer.say(kBrowserUpgrade), HasSubstr("101 Switching Protocols"));
  EXPECT_TRUE(peer.layer.ready());
  EXPECT_EQ(peer.say(client_frame(kBinary, "hello")), "");
  EXPECT_EQ(peer.heard(), "hello");
  ByteChain plain;
  plain.append(as_bytes("answer"));
  peer.layer.send(plain, 100, peer.down);
  EXPECT_EQ(testing::taken_text(peer.down), server_frame(kBinary, "answer"));
  PeerFacts facts;
  peer.layer.tell(facts);
  EXPECT_EQ(facts.websocket_path, "/mqtt");
  EXPECT_EQ(facts.websocket_origin, "https://app.example");
}

TEST(WebSocketLayer, SendsNothingBeforeTheUpgrade) {
  Peer peer;
  ByteChain plain;
  plain.append(as_bytes("early"));
  peer.layer.send(plain, 100, peer.down);
  peer.layer.end(peer.down);
  EXPECT_TRUE(peer.down.empty());
  EXPECT_EQ(plain.size(), 5u);
}

TEST(WebSocketLayer, TakesFramesThatComeWithTheRequest) {
  Peer peer;
  peer.say(std::string(kBrowserUpgrade) + client_frame(kBinary, "at once"));
  EXPECT_EQ(peer.heard(), "at once");
}

TEST(WebSocketLayer, RefusesWithAnHttpAnswer) {
  Peer peer;
  EXPECT_THAT(peer.say("POST / HTTP/1.1\r\n\r\n"), ::testing::StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(peer.status, LayerStatus::failed);
  EXPECT_FALSE(peer.layer.ready());
  EXPECT_THAT(std::string(peer.layer.failure()), HasSubstr("WebSocket refused: 405"));
  peer.layer.end(peer.down);
  EXPECT_TRUE(peer.down.empty());
}

TEST(WebSocketLayer, JoinsFragmentsAndSplitFrames) {
  Peer peer = Peer().upgraded();
  peer.say(client_frame(0x02, "one ") + client_frame(0x00, "") + client_frame(0x89, "between"));
  peer.say(client_frame(0x00, "two ") + client_frame(0x80, "three "));
  peer.say(client_frame(kBinary, "") + client_frame(kBinary, std::string(70'000, 'l')).substr(0, 20));
  // What is there of a frame goes up before the frame is whole.
  EXPECT_EQ(peer.heard(), "one two three llllll");
}

TEST(WebSocketLayer, AnswersTheLastPing) {
  Peer peer = Peer().upgraded();
  EXPECT_EQ(peer.say(client_frame(0x89, "a")), server_frame(0x8a, "a"));
  EXPECT_EQ(peer.say(client_frame(0x89, "")), server_frame(0x8a, ""));
  EXPECT_EQ(peer.say(client_frame(0x8a, "unasked for")), "");
  std::string flood;
  for (int i = 0; i < 10'000; ++i) flood += client_frame(0x89, std::string(125, static_cast<char>('a' + i % 26)));
  const std::string half = client_frame(0x89, "half");
  EXPECT_EQ(peer.say(flood + half.substr(0, 8)), server_frame(0x8a, std::string(125, 'a' + 9'999 % 26)));
  EXPECT_EQ(peer.say(half.substr(8)), server_frame(0x8a, "half"));
  EXPECT_EQ(peer.heard(), "");
}

TEST(WebSocketLayer, AnswersACloseBehindItsLastBytes) {
  Peer peer = Peer().upgraded();
  EXPECT_EQ(peer.say(client_frame(0x88, close_payload(1001, "leaving")) + client_frame(kBinary, "ignored")), "");
  EXPECT_EQ(peer.status, LayerStatus::ended);
  EXPECT_EQ(peer.heard(), "");
  ByteChain plain;
  plain.append(as_bytes("last"));
  peer.layer.send(plain, 100, peer.down);
  peer.layer.end(peer.down);
  peer.layer.end(peer.down);
  EXPECT_EQ(testing::taken_text(peer.down), server_frame(kBinary, "last") + server_frame(0x88, close_payload(1001)));
  plain.append(as_bytes("late"));
  peer.layer.send(plain, 100, peer.down);
  EXPECT_TRUE(peer.down.empty());
}

TEST(WebSocketLayer, ClosesWithoutACodeWhereThePeerHadNone) {
  Peer peer = Peer().upgraded();
  peer.say(client_frame(0x88, ""));
  peer.layer.end(peer.down);
  EXPECT_EQ(testing::taken_text(peer.down), server_frame(0x88, ""));
}

TEST(WebSocketLayer, SaysGoodbyeFirst) {
  Peer peer = Peer().upgraded();
  peer.layer.end(peer.down);
  EXPECT_EQ(testing::taken_text(peer.down), server_frame(0x88, close_payload(1000)));
}

struct Broken {
  const char* name;
  std::string wire;
  unsigned code;
};

TEST(WebSocketLayer, ClosesWhoBreaksTheRules) {
  const std::string masked_zero(4, '\0');
  const Broken cases[] = {
      {"text", client_frame(0x81, "text"), 1003},
      {"first fragment of text", client_frame(0x01, "text"), 1003},
      {"not masked", std::string("\x82\x01x"), 1002},
      {"reserved bit", client_frame(0xc2, "compressed"), 1002},
      {"unknown data opcode", client_frame(0x83, ""), 1002},
      {"unknown control opcode", client_frame(0x8b, ""), 1002},
      {"continues nothing", client_frame(0x80, "x"), 1002},
      {"a message inside another", client_frame(0x02, "x") + client_frame(kBinary, "y"), 1002},
      {"ping in fragments", client_frame(0x09, "x"), 1002},
      {"ping too long", client_frame(0x89, std::string(126, 'x')).substr(0, 8), 1002},
      {"close too long", client_frame(0x88, std::string(126, 'x')).substr(0, 8), 1002},
      {"half a code", client_frame(0x88, "x"), 1002},
      {"code that is never sent", client_frame(0x88, close_payload(1005)), 1002},
      {"code of nobody", client_frame(0x88, close_payload(999)), 1002},
      {"length not the shortest", std::string("\x82\xfe\x00\x7d", 4) + masked_zero, 1002},
      {"long length not the shortest", std::string("\x82\xff\0\0\0\0\0\0\xff\xff", 10) + masked_zero, 1002},
      {"negative length", std::string("\x82\xff\x80\0\0\0\0\1\0\0", 10) + masked_zero, 1002},
  };
  for (const Broken& broken : cases) {
    Peer peer = Peer().upgraded();
    const std::string answer =
        peer.say(client_frame(0x89, "unanswered") + broken.wire + client_frame(kBinary, "ignored"));
    EXPECT_EQ(peer.status, LayerStatus::failed) << broken.name;
    ASSERT_GE(answer.size(), 4u) << broken.name;
    EXPECT_EQ(answer[0], '\x88') << broken.name;
    EXPECT_EQ(answer.substr(2, 2), close_payload(broken.code)) << broken.name;
    EXPECT_EQ(answer.size(), 2u + static_cast<std::uint8_t>(answer[1])) << broken.name;
    EXPECT_THAT(std::string(peer.layer.failure()), HasSubstr("WebSocket: ")) << broken.name;
    peer.layer.end(peer.down);
    EXPECT_TRUE(peer.down.empty()) << broken.name;
  }
}

TEST(WebSocketLayer, TakesAFrameOfAnyLength) {
  Peer peer = Peer().upgraded();
  // All that may be said, of which only the beginning comes: nothing is set aside for it.
  peer.say(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10) + std::string(4, '\0') + "begin");
  EXPECT_EQ(peer.status, LayerStatus::open);
  EXPECT_EQ(peer.heard(), "begin");
}

TEST(WebSocketLayer, FillsFramesOfABoundedSize) {
  Peer peer = Peer().upgraded();
  ByteChain plain;
  plain.append(as_bytes(std::string(200'000, 'p')));
  peer.layer.send(plain, 200'000, peer.down);
  EXPECT_EQ(plain.size(), 200'000 - WebSocketLayer::kMostFrameBytes);
  EXPECT_EQ(testing::taken_text(peer.down).substr(0, 4), std::string("\x82\x7e\xff\xff"));
  peer.layer.send(plain, 126, peer.down);
  EXPECT_EQ(testing::taken_text(peer.down).substr(0, 5), std::string("\x82\x7e\x00\x7ep", 5));
}

// The same stream, read by wslay.
struct Wslay {
  std::string wire;
  std::size_t read = 0;
  wslay_frame_context_ptr context = nullptr;

  Wslay() {
    const wslay_frame_callbacks callbacks{
        [](const std::uint8_t* data, std::size_t size, int, void* self) -> ssize_t {
          static_cast<Wslay*>(self)->wire.append(reinterpret_cast<const char*>(data), size);
          return static_cast<ssize_t>(size);
        },
        [](std::uint8_t* room, std::size_t size, int, void* self) -> ssize_t {
          auto& it = *static_cast<Wslay*>(self);
          const std::size_t count = std::min(size, it.wire.size() - it.read);
          if (count == 0) return -1;
          std::memcpy(room, it.wire.data() + it.read, count);
          it.read += count;
          return static_cast<ssize_t>(count);
        },
        [](std::uint8_t* mask, std::size_t size, void* self) {
          for (std::size_t i = 0; i < size; ++i) {
            mask[i] = static_cast<std::uint8_t>(static_cast<Wslay*>(self)->wire.size() * 31 + i * 7);
          }
          return 0;
        }};
    wslay_frame_context_init(&context, &callbacks, this);
  }
  Wslay(const Wslay&) = delete;
  Wslay& operator=(const Wslay&) = delete;
  ~Wslay() { wslay_frame_context_free(context); }

  void write(std::uint8_t opcode, bool final, std::string_view payload) {
    wslay_frame_iocb frame{};
    frame.fin = final;
    frame.opcode = opcode;
    frame.mask = 1;
    frame.payload_length = payload.size();
    frame.data = as_bytes(payload).data();
    frame.data_length = payload.size();
    wslay_frame_send(context, &frame);
  }
  // The payload of all whole frames; they have to be binary and final.
  std::string read_all() {
    std::string payload;
    wslay_frame_iocb frame{};
    while (wslay_frame_recv(context, &frame) >= 0) {
      if (frame.opcode != WSLAY_BINARY_FRAME || !frame.fin || frame.mask || frame.rsv != 0) return "not as agreed";
      payload.append(reinterpret_cast<const char*>(frame.data), frame.data_length);
    }
    return payload;
  }
};

RC_GTEST_PROP(WebSocketLayer, ReadsWhatWslayWritesInAnyChunking, ()) {
  Wslay client;
  std::string said;
  bool in_message = false;
  for (int i = *rc::gen::inRange(1, 12); i > 0; --i) {
    if (*rc::gen::inRange(0, 5) == 0) {
      client.write(WSLAY_PING, true, std::string(*rc::gen::inRange<std::size_t>(1, 126), 'p'));
      continue;
    }
    const auto size = *rc::gen::element<std::size_t>(1, 7, 125, 126, 127, 300, 65'535, 65'536, 70'001);
    std::string payload(size, '\0');
    for (std::size_t at = 0; at < size; ++at) payload[at] = static_cast<char>(at * 13 + size + at / 251);
    const bool final = *rc::gen::arbitrary<bool>();
    client.write(in_message ? WSLAY_CONTINUATION_FRAME : WSLAY_BINARY_FRAME, final, payload);
    in_message = !final;
    said += payload;
  }
  Peer peer = Peer().upgraded();
  // Bytes by the few where much is said would take too long.
  const std::size_t least = client.wire.size() / 500 + 1;
  const auto most = *rc::gen::element<std::size_t>(1, 50, 5'000, 200'000);
  for (std::string_view rest = client.wire; !rest.empty();) {
    const auto size = std::min(rest.size(), *rc::gen::inRange<std::size_t>(least, least + most));
    peer.say(rest.substr(0, size));
    rest.remove_prefix(size);
    RC_ASSERT(peer.status == LayerStatus::open);
  }
  RC_ASSERT(peer.heard() == said);
}

TEST(WebSocketLayer, IsReadByWslay) {
  Peer peer = Peer().upgraded();
  ByteChain plain;
  std::string text(300'000, '\0');
  for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>(at * 13 + at / 251);
  plain.append(as_bytes(text));
  Wslay client;
  for (std::size_t most = 1; !plain.empty(); most = most * 2 + 1) peer.layer.send(plain, most, peer.down);
  client.wire = testing::taken_text(peer.down);
  EXPECT_TRUE(client.read_all() == text);
}

}  // namespace
}  // namespace martlet::net
