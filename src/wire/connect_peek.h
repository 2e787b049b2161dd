// Looks for the client identifier and the user name in the first bytes of a connection, before anybody takes care of
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace martlet::wire {

enum class ConnectPeek : std::uint8_t {
  found,      // the text lies in the bytes; it may be empty, and is not checked
  need_more,  // so far it may be a CONNECT
  hopeless,   // not a CONNECT that has it: whoever decodes it will say why
};

// `bytes` are all that have arrived. Decides no later than at the end of the packet; one of more than `most_bytes` is
// hopeless as soon as its length is there.
ConnectPeek peek_client_id(ByteView bytes, std::string_view& client_id, std::size_t most_bytes = ~std::size_t{0});
// The same for the user name [3.1.3.5].
ConnectPeek peek_user_name(ByteView bytes, std::string_view& user_name, std::size_t most_bytes = ~std::size_t{0});

}  // namespace martlet::wire
