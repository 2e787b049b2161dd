#include "env/posix/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>

#include "env/posix/descriptor.h"

extern char** environ;

namespace martlet::env::posix {
namespace {

// posix_spawn's two descriptions, destroyed at the end of the scope.
struct SpawnSettings {
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

struct Pipe {
  OwnedDescriptor read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  return Pipe{OwnedDescriptor(ends[0]), OwnedDescriptor(ends[1])};
}

int exit_status_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::string& program,
                                                          const std::vector<std::string>& arguments,
                                                          ChildStreams streams) {
  SpawnSettings settings;
  Pipe to_child, from_child;
  if (streams == ChildStreams::pipes) {
    for (Pipe* pipe : {&to_child, &from_child}) {
      auto made = make_pipe();
      if (!made) return tl::unexpected(made.error());
      *pipe = std::move(*made);
    }
    ::posix_spawn_file_actions_adddup2(&settings.actions, to_child.read.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&settings.actions, from_child.write.get(), STDOUT_FILENO);
  } else {
    ::posix_spawn_file_actions_addopen(&settings.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&settings.actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  const int code = ::posix_spawn(&pid, program.c_str(), &settings.actions, &settings.attributes, words.data(), environ);
  if (code != 0) return system_error("cannot start " + program, code);
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, to_child.write.release(), from_child.read.release()));
}

ChildProcess::~ChildProcess() {
  close_input();
  if (output_ >= 0) ::close(output_);
  if (exit_status()) return;
  kill();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ChildProcess::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

std::optional<int> ChildProcess::exit_status() {
  if (status_) return status_;
  int wait_status = 0;
  if (::waitpid(pid_, &wait_status, WNOHANG) == pid_) status_ = exit_status_of(wait_status);
  return status_;
}

void ChildProcess::kill() {
  if (!status_) ::kill(-pid_, SIGKILL);
}

Result<std::string> own_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size < 0) return system_error("cannot read /proc/self/exe", errno);
  return std::string(path.data(), static_cast<std::size_t>(size));
}

}  // namespace martlet::env::posix
