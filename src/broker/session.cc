#include "broker/session.h"

namespace martlet::broker {

Session* SessionTable::find(std::string_view client_id) {
  const auto at = by_client_id_.find(client_id);
  return at == by_client_id_.end() ? nullptr : at->second.get();
}

Session& SessionTable::create(std::string client_id) {
  auto session = std::make_unique<Session>();
  Session& created = *session;
  if (free_numbers_.empty()) {
    free_numbers_.push_back(static_cast<std::uint32_t>(by_number_.size()));
    by_number_.push_back(nullptr);
    generations_.push_back(0);
  }
  created.number = free_numbers_.back();
  free_numbers_.pop_back();
  created.generation = ++generations_[created.number];
  by_number_[created.number] = &created;
  created.client_id = client_id;
  created.client_hash = hash_of(client_id);
  by_client_id_.emplace(std::move(client_id), std::move(session));
  return created;
}

void SessionTable::erase(Session& session) {
  by_number_[session.number] = nullptr;
  free_numbers_.push_back(session.number);
  by_client_id_.erase(by_client_id_.find(session.client_id));
}

}  // namespace martlet::broker
