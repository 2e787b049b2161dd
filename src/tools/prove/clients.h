// The clients of a run: names, topics, and how they connect.
#pragma once

#include <cstdint>
#include <string>

#include "client/options.h"
#include "env/clock.h"
#include "tools/prove/options.h"
#include "tools/prove/payload.h"

namespace martlet::tools::prove {

enum class ClientRole : char { publisher = 'p', subscriber = 's' };

// At most 23 letters and digits, which every broker takes [MQTT-3.1.3-5].
std::string client_id(std::uint64_t run, ClientRole role, std::uint32_t number);
// First levels of the run's topics.
std::string topic_prefix(const ProveOptions& options, std::uint64_t run);
std::string topic_of(const std::string& prefix, const MessageId& id);

// A client whose session outlives its connections, and which comes back soon after it lost one.
client::ClientOptions persistent_client(const ProveOptions& options, std::string id);

// Connects with a clean start, which ends the session, and says goodbye. Gives up after a few seconds.
void end_session(const ProveOptions& options, const std::string& id, env::Clock& clock);

}  // namespace martlet::tools::prove
