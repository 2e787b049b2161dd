// What the client has asked the server for: SUBSCRIBE and UNSUBSCRIBE that are not answered, and the subscriptions in
// force, so that a new session gets them again. Pure; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/packet.h"
#include "wire/properties.h"

namespace martlet::client {

// Names a request for its whole life, whatever packet identifiers it is sent under; 0 is none.
using RequestHandle = std::uint32_t;

struct FilterSpec {
  std::string filter;
  wire::SubscriptionOptions options;  // unused in UNSUBSCRIBE
};

struct Request {
  RequestHandle handle = 0;
  bool subscribes = true;
  std::vector<FilterSpec> filters;
  wire::PropertyWriter properties;
  std::uint16_t packet_id = 0;  // 0: not sent on the present connection
  bool answered = false;
};

class RequestBook {
 public:
  RequestHandle add(bool subscribes, std::vector<FilterSpec> filters, wire::PropertyWriter properties);

  // A connection came up. Unanswered requests are due; without the old session all subscriptions are.
  void restart(bool session_present);
  // The oldest request that is due, or nullptr.
  Request* next_due();
  // The request that was sent under `packet_id`, or nullptr. After an UNSUBSCRIBE was answered the filters are
  // forgotten.
  Request* find(std::uint16_t packet_id);
  void answered(std::uint16_t packet_id);
  // Forgets a request that cannot be sent.
  void drop(RequestHandle handle);

  // Subscriptions and requests that it holds.
  std::size_t size() const { return requests_.size(); }

 private:
  void forget(const std::vector<FilterSpec>& filters, RequestHandle before);

  std::vector<Request> requests_;  // in the order of the calls
  RequestHandle last_handle_ = 0;
};

}  // namespace martlet::client
