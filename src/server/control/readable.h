// An answer of the control socket as people read it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace martlet::server {

// A line for each field of the object `answer` but "ok", and for each row of a list; "done" if there is none. What
// strangers may have chosen is in quotation marks unless it is a plain word, and nothing in it can begin a line or move
// a terminal's cursor.
std::string readable(const nlohmann::json& answer);

// The same answer as one line of JSON in ASCII: no byte of it moves a cursor either.
std::string safe_json(const nlohmann::json& answer);

}  // namespace martlet::server
