#include "session/message.h"

#include <algorithm>
#include <functional>
#include <new>

namespace martlet::session {
namespace {

bool lies_in(const Block& block, ByteView bytes) {
  const std::less_equal<> no_later;
  return no_later(block.data(), bytes.data()) &&
         no_later(bytes.data() + bytes.size(), block.data() + block.capacity_bytes);
}

}  // namespace

std::uint32_t Message::seconds_left(const Now& now) const {
  // An interval of 0 has its deadline one millisecond ahead, and 0 is what is left of it.
  const std::int64_t left_ms = std::max<std::int64_t>(facts_.expires_at_ms - now.mono_ms, 1);
  return static_cast<std::uint32_t>((left_ms + 998) / 1000);
}

MessageRef MessageRef::make(std::string_view topic, ByteView payload, const wire::Properties& properties,
                            const MessageFacts& facts) {
  const std::size_t properties_size = wire::forwardable_size(properties);
  const std::size_t total = sizeof(Message) + topic.size() + properties_size + payload.size();
  MessageRef ref;
  ref.block_ = BlockRef::adopt(allocate_block(total));
  auto* message = new (ref.block_->data()) Message;
  std::uint8_t* at = ref.block_->data() + sizeof(Message);
  message->facts_ = facts;
  message->topic_ = {reinterpret_cast<const char*>(at), topic.size()};
  at = copy_bytes(at, as_bytes(topic));
  if (properties_size > 0) {
    std::uint8_t* behind = wire::copy_forwardable(properties, at);
    message->properties_ = wire::Properties::trusted({at, properties_size});
    at = behind;
  }
  message->payload_ = {at, payload.size()};
  copy_bytes(at, payload);
  return ref;
}

MessageRef MessageRef::make(std::string_view topic, ByteView payload, const wire::Properties& properties,
                            const MessageFacts& facts, const BlockRef& packet) {
  if (packet) {
    MessageRef ref = in_place(topic, payload, properties, facts, packet);
    if (ref) return ref;
  }
  return make(topic, payload, properties, facts);
}

// Null if something has no room.
MessageRef MessageRef::in_place(std::string_view topic, ByteView payload, const wire::Properties& properties,
                                const MessageFacts& facts, const BlockRef& packet) {
  if (!lies_in(*packet.get(), payload)) return {};
  const std::size_t properties_size = wire::forwardable_size(properties);
  const bool copies_topic = !lies_in(*packet.get(), as_bytes(topic));  // an alias stood for it
  const bool copies_properties =
      properties_size != properties.raw().size() || !lies_in(*packet.get(), properties.raw());
  const std::size_t copied = (copies_topic ? topic.size() : 0) + (copies_properties ? properties_size : 0);
  if (sizeof(Message) + copied > kHeadroomBytes) return {};
  MessageRef ref;
  ref.block_ = packet;
  auto* message = new (packet->data()) Message;
  std::uint8_t* at = packet->data() + sizeof(Message);
  message->facts_ = facts;
  message->payload_ = payload;
  message->topic_ = topic;
  if (copies_topic) {
    message->topic_ = {reinterpret_cast<const char*>(at), topic.size()};
    at = copy_bytes(at, as_bytes(topic));
  }
  if (!copies_properties) {
    message->properties_ = properties;
  } else if (properties_size > 0) {
    wire::copy_forwardable(properties, at);
    message->properties_ = wire::Properties::trusted({at, properties_size});
  }
  return ref;
}

}  // namespace martlet::session
