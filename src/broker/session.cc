#include "broker/session.h"

namespace martlet::broker {

Session* SessionTable::find(std::string_view client_id) {
  const auto at = by_client_id_.find(client_id);
  return at == by_client_id_.end() ? nullptr : at->second.get();
}

// Under a number that nobody has.
std::unique_ptr<Session> SessionTable::make() {
  auto session = std::make_unique<Session>();
  if (free_numbers_.empty()) {
    free_numbers_.push_back(static_cast<std::uint32_t>(by_number_.size()));
    by_number_.push_back(nullptr);
    generations_.push_back(0);
  }
  session->number = free_numbers_.back();
  free_numbers_.pop_back();
  session->generation = ++generations_[session->number];
  by_number_[session->number] = session.get();
  return session;
}

Session& SessionTable::create(std::string_view client_id) {
  auto session = make();
  Session& created = *session;
  created.client_id = client_id;
  created.client_hash = hash_of(created.client_id);
  by_client_id_.emplace(created.client_id.view(), std::move(session));  // the key lies in the session
  return created;
}

Session& SessionTable::create_remnant() {
  auto session = make();
  Session& created = *session;
  created.remnant = true;
  remnants_.emplace(created.number, std::move(session));
  return created;
}

void SessionTable::make_remnant(Session& session) {
  const auto at = by_client_id_.find(session.client_id.view());
  session.remnant = true;
  remnants_.emplace(session.number, std::move(at->second));
  by_client_id_.erase(at);
}

void SessionTable::erase(Session& session) {
  by_number_[session.number] = nullptr;
  free_numbers_.push_back(session.number);
  if (session.remnant) {
    remnants_.erase(session.number);
  } else {
    by_client_id_.erase(by_client_id_.find(session.client_id.view()));
  }
}

}  // namespace martlet::broker
