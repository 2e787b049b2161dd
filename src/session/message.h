// A published message: immutable, shared by everyone that it is owed to, in one pooled block.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/block.h"
#include "base/bytes.h"
#include "base/time.h"
#include "wire/properties.h"
#include "wire/types.h"

namespace martlet::session {

// What is known of a message beside its content.
struct MessageFacts {
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
  std::uint64_t publisher = 0;        // the owner's hash of the publishing client's identifier; 0: none
  DeadlineMs expires_at_ms = kNever;  // monotonic
  std::int64_t received_wall_ms = 0;
};

class Message {
 public:
  std::string_view topic() const { return topic_; }
  ByteView payload() const { return payload_; }
  // The forwardable ones only [MQTT-3.3.2-17].
  const wire::Properties& properties() const { return properties_; }
  const MessageFacts& facts() const { return facts_; }

  bool expired(const Now& now) const { return facts_.expires_at_ms <= now.mono_ms; }
  bool can_expire() const { return facts_.expires_at_ms != kNever; }
  // Seconds left of the interval, waited time rounded down to whole seconds; 0 once expired [MQTT-3.3.2-6].
  std::uint32_t seconds_left(const Now& now) const;
  // What it occupies in memory.
  std::size_t footprint_bytes() const {
    return sizeof(Message) + topic_.size() + payload_.size() + properties_.raw().size();
  }

 private:
  friend class MessageRef;
  MessageFacts facts_;
  std::string_view topic_;  // all views point behind this object, into its own block
  ByteView payload_;
  wire::Properties properties_;
};

class MessageRef {
 public:
  MessageRef() = default;
  // Copies topic, payload and the forwardable properties.
  static MessageRef make(std::string_view topic, ByteView payload, const wire::Properties& properties,
                         const MessageFacts& facts);
  // The same without copying the payload, where it lies in `packet`: a block that only the caller has, with
  // kHeadroomBytes at its front that nothing uses. What points into the packet stays good while the block lives.
  static MessageRef make(std::string_view topic, ByteView payload, const wire::Properties& properties,
                         const MessageFacts& facts, const BlockRef& packet);

  // For the message itself, and for a topic or properties that do not stand in the packet as they are passed on.
  static constexpr std::uint16_t kHeadroomBytes = sizeof(Message) + 256;

  const Message* get() const { return reinterpret_cast<const Message*>(block_->data()); }
  const Message* operator->() const { return get(); }
  const Message& operator*() const { return *get(); }
  explicit operator bool() const { return static_cast<bool>(block_); }
  const BlockRef& block() const { return block_; }

 private:
  static MessageRef in_place(std::string_view topic, ByteView payload, const wire::Properties& properties,
                             const MessageFacts& facts, const BlockRef& packet);

  BlockRef block_;
};

}  // namespace martlet::session
