// What a client, and all clients of one user, may publish. Who is over it is not read until it is within it again:
// nothing is dropped.
#pragma once

#include <cstdint>

namespace martlet::broker {

struct QuotaOptions {
  // 0: no limit.
  std::uint32_t publish_per_s = 0;
  std::uint64_t publish_bytes_per_s = 0;
  std::uint32_t user_publish_per_s = 0;
  std::uint64_t user_publish_bytes_per_s = 0;
};

}  // namespace martlet::broker
