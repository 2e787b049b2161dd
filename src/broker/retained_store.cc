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
  const std::size_t growth_bytes = old ? 0 : index_.growth_bytes(topic);
  if (!old && index_.size() >= options_.max_retained_messages) return false;
  if (bytes() - freed_bytes + message->footprint_bytes() + growth_bytes > options_.max_retained_bytes) return false;
  if (!index_.has_room(growth_bytes)) return false;
  const auto replaced = index_.put(topic, {message, ++version_});
  if (replaced) forget(replaced->message);
  message_bytes_ += message->footprint_bytes();
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
  message_bytes_ -= message->footprint_bytes();
  if (message->can_expire()) --can_expire_;
}

}  // namespace martlet::broker
