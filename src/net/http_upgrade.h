// The HTTP request that opens a WebSocket (RFC 6455, section 4) and its answer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/websocket_options.h"

namespace martlet::net {

// What an accepted request says of its sender.
struct UpgradeFacts {
  std::string path;  // without the query
  std::string origin;
  std::string forwarded_for;  // all of X-Forwarded-For, joined by ", "
};

class HttpUpgrade {
 public:
  enum class State : std::uint8_t { reading, accepted, refused };

  explicit HttpUpgrade(std::shared_ptr<const WebSocketOptions> options) : options_(std::move(options)) {}

  // Takes bytes up to the end of the request, or all; returns how many. Holds at most max_header_bytes of them.
  std::size_t take(ByteView bytes);
  State state() const { return state_; }
  // Once decided: what is to be sent.
  const std::string& response() const { return response_; }
  // Once accepted.
  UpgradeFacts& facts() { return facts_; }
  // Once refused: the status and why, in one line for a log.
  const std::string& refusal() const { return refusal_; }

 private:
  struct Fields;

  void decide();
  bool read_request_line(std::string_view line);
  bool read_field(std::string_view line, Fields& fields);
  bool judge(const Fields& fields);
  void accept(const Fields& fields);
  // Both false. `more_fields`: lines for the answer, each with its end.
  bool refuse(std::string_view status, std::string_view why, std::string_view more_fields = {});

  std::shared_ptr<const WebSocketOptions> options_;
  State state_ = State::reading;
  std::string request_;
  UpgradeFacts facts_;
  std::string response_;
  std::string refusal_;
};

// The value of Sec-WebSocket-Accept that answers `key`.
std::string websocket_accept(std::string_view key);

}  // namespace martlet::net
