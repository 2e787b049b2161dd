// The real system behind env's interfaces (Linux).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/entropy.h"
#include "env/files.h"
#include "env/network.h"
#include "env/signals.h"

namespace martlet::env::posix {

// CLOCK_MONOTONIC and CLOCK_REALTIME.
std::unique_ptr<Clock> make_clock();
// getrandom(2).
std::unique_ptr<Entropy> make_entropy();
std::unique_ptr<Files> make_files();
// What a network waits with.
enum class Polling : std::uint8_t {
  automatic,  // io_uring if the system offers it, else epoll
  epoll,
  io_uring,  // Linux 6.12 or newer, where it is not forbidden
};

// One per core. An Error when descriptors are out, or the system does not offer what is asked for. Ignores SIGPIPE in
// the whole process.
Result<std::unique_ptr<Network>> make_network(Polling polling = Polling::epoll);
// signalfd: blocks SIGINT, SIGTERM, SIGUSR1 and SIGHUP in the calling thread and all that it starts later; ignores
// SIGPIPE. The destructor unblocks the calling thread's again.
Result<std::unique_ptr<Signals>> make_signals();

// The environment's variable `name`; empty if it is not set. While no other thread changes the environment.
std::string environment(const char* name);
// The variables whose names begin with `prefix`, with their values, sorted by name; of one that is there twice the
// first.
std::vector<std::pair<std::string, std::string>> environment_with_prefix(std::string_view prefix);

// Raises the limit of open descriptors to what the system allows this process. Returns the limit that then holds.
std::size_t raise_descriptor_limit();

}  // namespace martlet::env::posix
