#include "env/posix/threads.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace martlet::env::posix {

std::uint32_t usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1u, static_cast<std::uint32_t>(CPU_COUNT(&set)));
}

bool pin_thread(std::uint32_t index) {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return false;
  const auto count = static_cast<std::uint32_t>(CPU_COUNT(&usable));
  if (count == 0) return false;
  index %= count;
  for (std::size_t processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &usable) || index-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    return ::pthread_setaffinity_np(::pthread_self(), sizeof one, &one) == 0;
  }
  return false;
}

}  // namespace martlet::env::posix
