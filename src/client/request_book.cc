#include "client/request_book.h"

#include <algorithm>
#include <utility>

namespace martlet::client {

RequestHandle RequestBook::add(bool subscribes, std::vector<FilterSpec> filters, wire::PropertyWriter properties) {
  if (++last_handle_ == 0) ++last_handle_;
  // What is asked for anew replaces what was asked for before [MQTT-3.8.4-3].
  forget(filters, last_handle_);
  requests_.push_back({last_handle_, subscribes, std::move(filters), std::move(properties), 0, false});
  return last_handle_;
}

// Takes `filters` out of the answered subscriptions. Those that are not answered yet keep theirs: their answer has one
// reason for each.
void RequestBook::forget(const std::vector<FilterSpec>& filters, RequestHandle before) {
  for (Request& request : requests_) {
    if (request.handle == before || !request.subscribes || !request.answered) continue;
    std::erase_if(request.filters, [&](const FilterSpec& old) {
      return std::any_of(filters.begin(), filters.end(),
                         [&](const FilterSpec& spec) { return spec.filter == old.filter; });
    });
  }
  std::erase_if(requests_, [](const Request& request) { return request.answered && request.filters.empty(); });
}

void RequestBook::restart(bool session_present) {
  for (Request& request : requests_) {
    request.packet_id = 0;
    if (!session_present && request.subscribes) request.answered = false;
  }
}

Request* RequestBook::next_due() {
  const auto due = std::find_if(requests_.begin(), requests_.end(),
                                [](const Request& request) { return !request.answered && request.packet_id == 0; });
  return due == requests_.end() ? nullptr : &*due;
}

Request* RequestBook::find(std::uint16_t packet_id) {
  const auto found = std::find_if(requests_.begin(), requests_.end(), [packet_id](const Request& request) {
    return !request.answered && request.packet_id == packet_id;
  });
  return found == requests_.end() ? nullptr : &*found;
}

void RequestBook::drop(RequestHandle handle) {
  std::erase_if(requests_, [handle](const Request& request) { return request.handle == handle; });
}

void RequestBook::answered(std::uint16_t packet_id) {
  Request* request = find(packet_id);
  if (!request) return;
  request->answered = true;
  request->packet_id = 0;
  if (request->subscribes) return;
  const RequestHandle handle = request->handle;
  const std::vector<FilterSpec> filters = request->filters;
  forget(filters, handle);
  drop(handle);
}

}  // namespace martlet::client
