// Framer and decoder on hostile bytes. The first byte picks version, sender and the sizes of the chunks; the rest is
// the stream. Whole and in chunks it must give the same packets and the same end; what decodes must survive encoding.
#include <algorithm>
#include <string>
#include <vector>

#include "base/byte_chain.h"
#include "base/check.h"
#include "base/random.h"
#include "wire/decode.h"
#include "wire/encode.h"
#include "wire/framer.h"
#include "wire/testing/packet_equal.h"

namespace {

using namespace martlet;
using namespace martlet::wire;

using Bytes = std::vector<std::uint8_t>;

constexpr ProtocolVersion kVersions[] = {ProtocolVersion::v3_1, ProtocolVersion::v3_1_1, ProtocolVersion::v5_0};
constexpr std::uint32_t kMaxPacket = 1u << 16;

struct Setting {
  ProtocolVersion version;
  Sender sender;
};

Bytes encoded(const Packet& packet, ProtocolVersion version) {
  ByteChain chain;
  encode(packet, version, chain);
  check(chain.size() == encoded_size(packet, version), "size was told beforehand");
  ByteView views[64];
  const std::size_t count = chain.front(views, 64);
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), views[i].begin(), views[i].end());
  check(bytes.size() == chain.size(), "chain was read whole");
  return bytes;
}

void check_round_trip(const Packet& packet, const Setting& setting) {
  const auto* connect = std::get_if<Connect>(&packet);
  const ProtocolVersion version = connect != nullptr ? connect->version : setting.version;
  const Bytes bytes = encoded(packet, version);
  Framer framer(kMaxRemainingLength);
  ByteView input = bytes;
  Frame frame;
  check(framer.next(input, frame) == FrameStatus::frame && input.empty(), "encoded bytes are one packet");
  const auto again = decode(frame.first_byte, frame.body, version, setting.sender);
  check(again.has_value(), "encoded bytes are legal");
  check(same_packet(packet, *again), "encoding loses nothing");
  check(encoded(*again, version) == bytes, "encoding is stable");
}

// One line for each packet: its bytes, and how it decoded.
void take_frames(Framer& framer, ByteView input, const Setting& setting, std::vector<std::string>& trace,
                 FrameStatus& status) {
  Frame frame;
  while ((status = framer.next(input, frame)) == FrameStatus::frame) {
    std::string line(1, static_cast<char>(frame.first_byte));
    line += as_text(frame.body);
    const auto result = decode(frame.first_byte, frame.body, setting.version, setting.sender);
    if (result) {
      check_round_trip(*result, setting);
      line += " ok";
    } else {
      check(result.error().clause[0] != 0 && result.error().what[0] != 0, "an error names its rule");
      line += result.error().clause;
      line += result.error().what;
      line += static_cast<char>(result.error().reason);
    }
    trace.push_back(line);
  }
}

std::size_t chunk_size(Random& random) {
  return random.below(4) == 0 ? 1 + random.below(300) : 1 + random.below(6);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Setting setting{kVersions[(data[0] & 3) % 3], (data[0] & 4) != 0 ? Sender::server : Sender::client};
  const ByteView stream(data + 1, size - 1);

  std::vector<std::string> whole;
  FrameStatus whole_end = FrameStatus::need_more;
  Framer whole_framer(kMaxPacket);
  take_frames(whole_framer, stream, setting, whole, whole_end);

  std::vector<std::string> chunked;
  FrameStatus chunked_end = FrameStatus::need_more;
  Framer framer(kMaxPacket);
  Random random(data[0]);
  ByteView rest = stream;
  while (!rest.empty() && chunked_end == FrameStatus::need_more) {
    const std::size_t count = std::min<std::size_t>(chunk_size(random), rest.size());
    // A copy of its own, so that reading beyond a chunk is seen.
    const Bytes chunk(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count));
    take_frames(framer, chunk, setting, chunked, chunked_end);
    check(framer.capacity_bytes() <= 2 * framer.held_bytes() + 64, "memory follows what arrived");
    rest = rest.subspan(count);
  }
  check(whole == chunked, "chunks do not change the packets");
  check(whole_end == chunked_end, "chunks do not change the end");
  return 0;
}
