// What is stored where, in words for a person who must find it again. Pure functions, any thread.
#pragma once

#include <string>

#include "base/bytes.h"
#include "store/types.h"

namespace martlet::server {

// "log record 7".
std::string place_of(store::Position position);
// "sessions, session 5", "subscriptions, session 5, filter \"a/#\"", "retained, topic \"a/b\"". A key of another form
// than docs/formats/records.md says is shown in hexadecimal.
std::string place_of(store::Table table, ByteView key);

// Why `bytes`, a log record or a table's value that could not be decoded, are not understood: "has layout 9, this
// program knows up to 2" or "is damaged".
std::string why_unknown(ByteView bytes);
std::string why_unknown(store::Table table, ByteView bytes);

}  // namespace martlet::server
