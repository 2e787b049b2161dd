// Topic filters among themselves: what an access rule needs to judge a subscription. Pure functions, any thread.
#pragma once

#include <string_view>

namespace martlet::topic {

// True if every topic name that the legal filter `inner` matches is matched by the legal filter `outer`, too: "a/#"
// covers "a", "a/+" and "a/b/#", and does not cover "#". As in matching, a leading wildcard does not reach topics that
// start with '$' [MQTT-4.7.2-1]. Linear in the shorter text.
bool covers(std::string_view outer, std::string_view inner);

// True if there is a topic name that both legal filters match. Linear in the shorter text.
bool overlap(std::string_view one, std::string_view other);

}  // namespace martlet::topic
