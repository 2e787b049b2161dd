// Cost of a small PUBLISH on the wire; the aim is below 60 ns each way for 64 bytes of payload.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/byte_chain.h"
#include "wire/decode.h"
#include "wire/encode.h"
#include "wire/framer.h"

namespace {

using namespace martlet;
using namespace martlet::wire;

constexpr std::string_view kTopic = "factory/line-7/press/temp";

ProtocolVersion version_of(const benchmark::State& state) {
  return static_cast<ProtocolVersion>(state.range(0));
}

PublishParts sample(const std::vector<std::uint8_t>& payload, QoS qos) {
  PublishParts parts;
  parts.topic = kTopic;
  parts.qos = qos;
  parts.packet_id = 7;
  parts.payload = payload;
  return parts;
}

std::vector<std::uint8_t> encoded(const PublishParts& parts, ProtocolVersion version) {
  ByteChain chain;
  encode(parts, version, chain);
  ByteView view;
  chain.front(&view, 1);
  return {view.begin(), view.end()};
}

void BM_DecodePublish(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(64, 'x');
  const std::vector<std::uint8_t> bytes = encoded(sample(payload, QoS::at_least_once), version_of(state));
  const ByteView body = ByteView(bytes).subspan(2);
  for (auto _ : state) {
    auto result = decode(bytes[0], body, version_of(state), Sender::client);
    benchmark::DoNotOptimize(result);
  }
}
BENCHMARK(BM_DecodePublish)->Arg(4)->Arg(5);

void BM_DecodePublishWithProperties(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(64, 'x');
  PropertyWriter writer;
  writer.add_number(PropertyId::message_expiry_interval, 60);
  writer.add_text(PropertyId::content_type, "application/json");
  writer.add_pair(PropertyId::user_property, "origin", "line-7");
  PublishParts parts = sample(payload, QoS::at_least_once);
  parts.properties = writer.properties();
  const std::vector<std::uint8_t> bytes = encoded(parts, ProtocolVersion::v5_0);
  const ByteView body = ByteView(bytes).subspan(3);
  for (auto _ : state) {
    auto result = decode(bytes[0], body, ProtocolVersion::v5_0, Sender::client);
    benchmark::DoNotOptimize(result);
  }
}
BENCHMARK(BM_DecodePublishWithProperties);

void BM_FrameAndDecodePublish(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(64, 'x');
  const std::vector<std::uint8_t> one = encoded(sample(payload, QoS::at_most_once), version_of(state));
  std::vector<std::uint8_t> stream;
  for (int i = 0; i < 100; ++i) stream.insert(stream.end(), one.begin(), one.end());
  Framer framer(1u << 20);
  for (auto _ : state) {
    ByteView input = stream;
    Frame frame;
    while (framer.next(input, frame) == FrameStatus::frame) {
      auto result = decode(frame.first_byte, frame.body, version_of(state), Sender::client);
      benchmark::DoNotOptimize(result);
    }
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(BM_FrameAndDecodePublish)->Arg(4)->Arg(5);

void BM_EncodePublishParts(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(64, 'x');
  const PublishParts parts = sample(payload, QoS::at_least_once);
  ByteChain chain;
  for (auto _ : state) {
    encode(parts, version_of(state), chain);
    if (chain.size() > 16000) chain.clear();
  }
}
BENCHMARK(BM_EncodePublishParts)->Arg(4)->Arg(5);

void BM_EncodePuback(benchmark::State& state) {
  const Packet packet = PublishAck{PacketType::puback, 7, ReasonCode::success, {}};
  ByteChain chain;
  for (auto _ : state) {
    encode(packet, version_of(state), chain);
    if (chain.size() > 16000) chain.clear();
  }
}
BENCHMARK(BM_EncodePuback)->Arg(4)->Arg(5);

void BM_ValidText(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 't');
  for (auto _ : state) {
    bool valid = valid_text(text);
    benchmark::DoNotOptimize(valid);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ValidText)->Arg(8)->Arg(32)->Arg(1024);

}  // namespace
