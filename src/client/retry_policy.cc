#include "client/retry_policy.h"

namespace martlet::client {

bool worth_retrying(wire::ReasonCode reason) {
  using enum wire::ReasonCode;
  switch (reason) {
    case unsupported_protocol_version:
    case client_identifier_not_valid:
    case bad_user_name_or_password:
    case not_authorized:
    case banned:
    case bad_authentication_method:
    case session_taken_over:
    case topic_name_invalid:
    case packet_too_large:
    case payload_format_invalid:
    case retain_not_supported:
    case qos_not_supported:
    case use_another_server:
    case server_moved:
    case malformed_packet:
    case protocol_error:
      return false;
    default:
      return true;
  }
}

}  // namespace martlet::client
