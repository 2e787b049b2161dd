// Topic names: what a PUBLISH or a will carries.
#pragma once

#include <cstddef>
#include <string_view>

#include "topic/validity.h"

namespace martlet::topic {

// Whether `name` is a legal topic name of at most `max_levels` levels (0 = no limit). Returns the first reason found.
[[nodiscard]] Validity check_name(std::string_view name, std::size_t max_levels = 0);

}  // namespace martlet::topic
