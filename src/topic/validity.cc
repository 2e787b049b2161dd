#include "topic/validity.h"

namespace martlet::topic {

std::string_view to_text(Validity validity) {
  switch (validity) {
    case Validity::ok:
      return "ok";
    case Validity::empty:
      return "empty";
    case Validity::too_long:
      return "longer than 65535 bytes";
    case Validity::has_null:
      return "contains a null character";
    case Validity::wildcard_in_name:
      return "a topic name must not contain '+' or '#'";
    case Validity::misplaced_hash:
      return "'#' is not a whole last level";
    case Validity::misplaced_plus:
      return "'+' is not a whole level";
    case Validity::too_deep:
      return "more levels than allowed";
    case Validity::share_name_empty:
      return "empty share name";
    case Validity::share_name_wildcard:
      return "share name contains '+' or '#'";
    case Validity::share_filter_missing:
      return "no topic filter behind the share name";
  }
  return "unknown";
}

}  // namespace martlet::topic
