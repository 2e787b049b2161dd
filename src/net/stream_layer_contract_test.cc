// What every layer between socket and MQTT keeps to.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/proxy_protocol.h"
#include "net/testing/framed_layer.h"
#include "net/testing/taken_text.h"
#include "net/testing/tls_fixture.h"
#include "net/testing/websocket_client.h"
#include "net/websocket_layer.h"

namespace martlet::net::testing {
namespace {

// Who is at the other end of a layer, and speaks it.
class Counterpart {
 public:
  virtual ~Counterpart() = default;
  virtual std::unique_ptr<StreamLayer> layer() = 0;
  // What it sends next of its handshake, after what the layer said.
  virtual std::string greet(std::string_view answer) = 0;
  virtual std::string says(std::string_view text) = 0;
  // What it understands of what the layer sent since the handshake.
  virtual std::string hears(const std::string& wire) = 0;
};

class OfProxy final : public Counterpart {
 public:
  std::unique_ptr<StreamLayer> layer() override { return factory_.make("192.0.2.9:1"); }
  std::string greet(std::string_view) override { return std::exchange(header_, ""); }
  std::string says(std::string_view text) override { return std::string(text); }
  std::string hears(const std::string& wire) override { return wire; }

 private:
  ProxyFactory factory_{ProxyOptions{}};
  std::string header_ = "PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\n";
};

class OfWebSocket final : public Counterpart {
 public:
  std::unique_ptr<StreamLayer> layer() override {
    return std::make_unique<WebSocketLayer>(std::make_shared<const WebSocketOptions>());
  }
  std::string greet(std::string_view) override { return std::exchange(upgrade_, ""); }
  std::string says(std::string_view text) override { return client_frame(0x82, text); }
  std::string hears(const std::string& wire) override {
    std::string text;
    for (std::size_t at = 0; at + 2 <= wire.size();) {
      const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(wire.at(at + i)); };
      EXPECT_EQ(byte(0), 0x82);
      std::size_t size = byte(1);
      std::size_t head = 2;
      if (size == 126) {
        size = std::size_t{byte(2)} << 8 | byte(3);
        head = 4;
      }
      text += wire.substr(at + head, size);
      at += head + size;
    }
    return text;
  }

 private:
  std::string upgrade_{kBrowserUpgrade};
};

class OfTls final : public Counterpart, private TlsTest {
 public:
  explicit OfTls(int version) : client_(options_of(version)) { build(); }
  std::unique_ptr<StreamLayer> layer() override { return context->make("192.0.2.1:50123"); }
  std::string greet(std::string_view answer) override {
    client_.take(as_bytes(answer));
    client_.step();
    return client_.output();
  }
  std::string says(std::string_view text) override {
    client_.write(text);
    return client_.output();
  }
  std::string hears(const std::string& wire) override {
    client_.take(as_bytes(wire));
    client_.step();
    return std::exchange(client_.received, "");
  }

 private:
  void TestBody() override {}
  static TlsClientOptions options_of(int version) {
    TlsClientOptions options;
    options.version = version;
    return options;
  }
  TlsClient client_;
};

class OfFramed final : public Counterpart {
 public:
  std::unique_ptr<StreamLayer> layer() override { return factory_.make("192.0.2.1:1"); }
  std::string greet(std::string_view) override { return std::exchange(greeting_, ""); }
  std::string says(std::string_view text) override { return framed(text); }
  std::string hears(const std::string& wire) override { return unframed("ok\n" + wire); }

 private:
  FramedFactory factory_;
  std::string greeting_ = "hi\n";
};

struct LayerKind {
  const char* name;
  std::unique_ptr<Counterpart> (*make)();
};

class StreamLayerContract : public ::testing::TestWithParam<LayerKind> {
 protected:
  // Carries `wire` in pieces of at most `chunk_bytes`.
  LayerStatus receive(std::string_view wire, std::size_t chunk_bytes = 1 << 20) {
    LayerStatus status = LayerStatus::open;
    for (; !wire.empty() && status == LayerStatus::open; wire.remove_prefix(std::min(chunk_bytes, wire.size())))
      status = layer_->receive(as_bytes(wire.substr(0, chunk_bytes)), up_, down_);
    return status;
  }
  void shake_hands(std::size_t chunk_bytes = 1 << 20) {
    std::string answer;
    for (int i = 0; i < 10; ++i) {
      const std::string wire = there_->greet(answer);
      ASSERT_EQ(receive(wire, chunk_bytes), LayerStatus::open) << layer_->failure();
      answer = taken_text(down_);
      if (wire.empty() && answer.empty()) break;
    }
    ASSERT_TRUE(layer_->ready()) << layer_->failure();
  }
  // What the other side hears of `text`, given to the layer at once and taken in pieces.
  std::string sent(std::string_view text, std::size_t most_bytes) {
    ByteChain from;
    from.append(as_bytes(text));
    std::string heard;
    for (std::size_t left = from.size(); left > 0; left = from.size()) {
      layer_->send(from, most_bytes, down_);
      EXPECT_LT(from.size(), left) << "it goes on";
      EXPECT_LE(left - from.size(), most_bytes);
      if (from.size() == left) break;
      heard += there_->hears(taken_text(down_));
    }
    return heard;
  }
  std::string arrived() {
    std::string text(up_.begin(), up_.end());
    up_.clear();
    return text;
  }
  void start_again() {
    there_ = GetParam().make();
    layer_ = there_->layer();
    up_.clear();
    down_.clear();
  }
  static std::string noise(std::mt19937& random, std::size_t bytes) {
    std::string text(bytes, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    return text;
  }

  std::unique_ptr<Counterpart> there_ = GetParam().make();
  std::unique_ptr<StreamLayer> layer_ = there_->layer();
  std::vector<std::uint8_t> up_;
  ByteChain down_;
};

TEST_P(StreamLayerContract, TakesNothingBeforeTheHandshake) {
  EXPECT_FALSE(layer_->ready());
  EXPECT_TRUE(layer_->failure().empty());
  ByteChain from;
  from.append(as_bytes("too early"));
  layer_->send(from, 100, down_);
  EXPECT_EQ(taken_text(from), "too early");
  EXPECT_TRUE(down_.empty());
}

TEST_P(StreamLayerContract, ItDoesNotMatterHowTheBytesCome) {
  const std::string text = "0123456789" + std::string(1000, 'x') + "end";
  for (const std::size_t chunk_bytes : {1, 2, 3, 7, 64, 1 << 20}) {
    start_again();
    ASSERT_NO_FATAL_FAILURE(shake_hands(chunk_bytes));
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(receive(there_->says(text), chunk_bytes), LayerStatus::open);
      EXPECT_EQ(arrived(), text) << chunk_bytes;
      EXPECT_EQ(sent(text, 5000), text);
    }
  }
}

TEST_P(StreamLayerContract, TakesNoMoreThanIsAskedFor) {
  ASSERT_NO_FATAL_FAILURE(shake_hands());
  const std::string text(300, 'y');
  for (const std::size_t most_bytes : {1, 10, 299, 300, 301}) EXPECT_EQ(sent(text, most_bytes), text) << most_bytes;
  const std::string large(200'000, 'z');
  EXPECT_EQ(sent(large, 1 << 20), large);
}

TEST_P(StreamLayerContract, NothingIsNothing) {
  EXPECT_EQ(layer_->receive({}, up_, down_), LayerStatus::open);
  EXPECT_TRUE(up_.empty() && down_.empty());
  EXPECT_FALSE(layer_->ready());
  ASSERT_NO_FATAL_FAILURE(shake_hands());
  EXPECT_EQ(layer_->receive({}, up_, down_), LayerStatus::open);
  ByteChain nothing;
  layer_->send(nothing, 100, down_);
  EXPECT_EQ(there_->hears(taken_text(down_)), "");
  EXPECT_EQ(receive(there_->says("text")), LayerStatus::open);
  EXPECT_EQ(arrived(), "text");
}

TEST_P(StreamLayerContract, NoiseInPlaceOfTheHandshakeReachesNobody) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    start_again();
    const LayerStatus status = receive(noise(random, 1 + random() % 2000), 1 + random() % 100);
    EXPECT_EQ(layer_->failure().empty(), status != LayerStatus::failed);
    EXPECT_FALSE(layer_->ready());
    EXPECT_TRUE(up_.empty());
    layer_->end(down_);
  }
}

TEST_P(StreamLayerContract, NoiseAfterTheHandshakeIsBorne) {
  std::mt19937 random(8);
  for (int round = 0; round < 30; ++round) {
    start_again();
    ASSERT_NO_FATAL_FAILURE(shake_hands());
    const std::string bytes = noise(random, 1 + random() % 2000);
    const LayerStatus status = receive(bytes, 1 + random() % 100);
    EXPECT_EQ(layer_->failure().empty(), status != LayerStatus::failed);
    EXPECT_LE(up_.size(), bytes.size());
    layer_->end(down_);
  }
}

TEST_P(StreamLayerContract, SaysGoodbyeAtAnyTime) {
  layer_->end(down_);
  start_again();
  ASSERT_NO_FATAL_FAILURE(shake_hands());
  layer_->end(down_);
  layer_->end(down_);
  PeerFacts facts;
  layer_->tell(facts);
}

TEST_P(StreamLayerContract, GoesOnInAnotherThread) {
  ASSERT_NO_FATAL_FAILURE(shake_hands());
  std::thread other([this] {
    EXPECT_EQ(receive(there_->says("there")), LayerStatus::open);
    EXPECT_EQ(arrived(), "there");
  });
  other.join();
  EXPECT_EQ(sent("and back", 100), "and back");
}

template <class Made>
std::unique_ptr<Counterpart> made() {
  return std::make_unique<Made>();
}

INSTANTIATE_TEST_SUITE_P(
    Every, StreamLayerContract,
    ::testing::Values(
        LayerKind{"proxy", made<OfProxy>}, LayerKind{"websocket", made<OfWebSocket>},
        LayerKind{"framed", made<OfFramed>},
        LayerKind{"tls_1_2", []() -> std::unique_ptr<Counterpart> { return std::make_unique<OfTls>(TLS1_2_VERSION); }},
        LayerKind{"tls_1_3", []() -> std::unique_ptr<Counterpart> { return std::make_unique<OfTls>(TLS1_3_VERSION); }}),
    [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace martlet::net::testing
