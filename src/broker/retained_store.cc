#include "broker/retained_store.h"

namespace martlet::broker {

bool RetainedStore::store(const session::MessageRef& message) {
  const std::string_view topic = message->topic();
  if (message->payload().empty()) {
    erase(topic);
    return true;
  }
  const RetainedMessage* old = index_.find(topic);
  const std::uint64_t freed_bytes = old ? old->message->footprint_bytes() : 0;
  if (!old && index_.size() >= options_.max_retained_messages) return false;
  if (bytes_ - freed_bytes + message->footprint_bytes() > options_.max_retained_bytes) return false;
  const auto replaced = index_.put(topic, {message, ++version_});
  if (replaced) forget(replaced->message);
  bytes_ += message->footprint_bytes();
  if (message->can_expire()) ++can_expire_;
  return true;
}

void RetainedStore::erase(std::string_view topic) {
  const auto erased = index_.erase(topic);
  if (!erased) return;
  ++version_;
  forget(erased->message);
}

void RetainedStore::forget(const session::MessageRef& message) {
  bytes_ -= message->footprint_bytes();
  if (message->can_expire()) --can_expire_;
}

}  // namespace martlet::broker
