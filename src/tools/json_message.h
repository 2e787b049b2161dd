// A message as the JSON of the formats %j and %J, with mosquitto_sub's keys in its order.
#pragma once

#include <string>

#include "env/posix/local_time.h"
#include "wire/packet.h"

namespace martlet::tools {

enum class JsonPayload : std::uint8_t {
  as_text,  // %j: a string, whatever it holds
  as_json,  // %J: parsed and written again
};

// Appends to `out`. False, with nothing appended, if the payload should be JSON and is not.
bool write_json_message(std::string& out, const wire::Publish& message, const env::posix::WallTime& time,
                        JsonPayload payload, bool pretty);

}  // namespace martlet::tools
