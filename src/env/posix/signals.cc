#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

#include "env/posix/descriptor.h"
#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

sigset_t polled_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGHUP);
  return set;
}

class PosixSignals final : public Signals {
 public:
  PosixSignals(OwnedDescriptor queue, const sigset_t& before) : queue_(std::move(queue)), before_(before) {}
  ~PosixSignals() override { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  Handle handle() override { return Handle{queue_.get()}; }

  std::optional<Signal> next() override {
    signalfd_siginfo info{};
    if (read_descriptor(queue_.get(), &info, sizeof info).status != IoStatus::ok) return std::nullopt;
    if (info.ssi_signo == SIGINT) return Signal::interrupt;
    if (info.ssi_signo == SIGTERM) return Signal::terminate;
    if (info.ssi_signo == SIGHUP) return Signal::reload;
    return Signal::dump;
  }

 private:
  OwnedDescriptor queue_;
  sigset_t before_;
};

}  // namespace

Result<std::unique_ptr<Signals>> make_signals() {
  ignore_sigpipe();
  const sigset_t set = polled_signals();
  sigset_t before;
  if (const int code = ::pthread_sigmask(SIG_BLOCK, &set, &before)) return system_error("cannot block signals", code);
  OwnedDescriptor queue(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!queue) {
    const int code = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return system_error("cannot receive signals", code);
  }
  return std::make_unique<PosixSignals>(std::move(queue), before);
}

}  // namespace martlet::env::posix
