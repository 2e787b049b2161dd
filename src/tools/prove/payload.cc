#include "tools/prove/payload.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/hash.h"
#include "base/random.h"

namespace martlet::tools::prove {
namespace {

// Both processes are one program on one machine: the host's byte order will do.
struct Head {
  std::uint64_t hash = 0;  // of all that follows
  std::uint64_t run = 0;
  std::uint64_t sequence = 0;
  std::uint32_t publisher = 0;
  std::uint32_t length = 0;
  std::uint32_t topic = 0;
  std::uint32_t qos = 0;
};
static_assert(sizeof(Head) == kLeastPayloadBytes);

std::uint64_t hash_of(ByteView payload) {
  return hash_bytes(as_text(payload.subspan(sizeof(Head::hash))));
}

}  // namespace

std::string make_payload(std::uint64_t run, const MessageId& id, std::size_t bytes) {
  Head head;
  head.run = run;
  head.sequence = id.sequence;
  head.publisher = id.publisher;
  head.length = static_cast<std::uint32_t>(bytes);
  head.topic = id.topic;
  head.qos = static_cast<std::uint32_t>(id.qos);
  std::string payload(bytes, '\0');
  // Different in every message, so that mixed up parts of two show too.
  Random filler(run ^ id.sequence << 20 ^ id.publisher);
  for (std::size_t at = sizeof head; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = filler.next();
    std::memcpy(payload.data() + at, &word, std::min(sizeof word, bytes - at));
  }
  std::memcpy(payload.data(), &head, sizeof head);
  head.hash = hash_of(as_bytes(payload));
  std::memcpy(payload.data(), &head.hash, sizeof head.hash);
  return payload;
}

std::optional<MessageId> read_payload(std::uint64_t run, ByteView payload) {
  Head head;
  if (payload.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, payload.data(), sizeof head);
  if (head.hash != hash_of(payload) || head.run != run || head.length != payload.size()) return std::nullopt;
  return MessageId{head.publisher, head.topic, static_cast<wire::QoS>(head.qos), head.sequence};
}

}  // namespace martlet::tools::prove
