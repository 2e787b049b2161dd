#include "session/message.h"

#include <algorithm>
#include <new>

namespace martlet::session {

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

}  // namespace martlet::session
