#include "env/posix/service_manager.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "env/posix/file_stamp.h"
#include "env/posix/local_server.h"

namespace martlet::env::posix {
namespace {

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

std::string temporary_directory() {
  char pattern[] = "/tmp/martlet-env-XXXXXX";
  return ::mkdtemp(pattern);
}

TEST(ServiceManager, SaysNothingWithoutOne) {
  const ServiceManager manager = ServiceManager::from_environment();
  EXPECT_FALSE(manager.is_there());
  EXPECT_EQ(manager.watchdog_ms(), 0);
  EXPECT_TRUE(manager.sockets().empty());
  manager.notify("READY=1");
}

TEST(ServiceManager, TellsItsSocketAndHeedsTheWatchdog) {
  const std::string directory = temporary_directory();
  const std::string path = directory + "/notify";
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const Variable notify("NOTIFY_SOCKET", path);
  const Variable watchdog("WATCHDOG_USEC", "3000000");
  const ServiceManager manager = ServiceManager::from_environment();
  EXPECT_TRUE(manager.is_there());
  EXPECT_EQ(manager.watchdog_ms(), 3'000);
  manager.notify("READY=1\nSTATUS=listens");
  char received[64] = {};
  ASSERT_GT(::recv(socket, received, sizeof received - 1, 0), 0);
  EXPECT_STREQ(received, "READY=1\nSTATUS=listens");
  ::close(socket);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST(ServiceManager, TakesSocketsThatAreMeantForItAlone) {
  const Variable count("LISTEN_FDS", "2");
  const Variable names("LISTEN_FDNAMES", "mqtt:ws");
  {
    const Variable other("LISTEN_PID", "1");
    EXPECT_TRUE(ServiceManager::from_environment().sockets().empty());
  }
  const Variable own("LISTEN_PID", fmt::format("{}", ::getpid()));
  const ServiceManager manager = ServiceManager::from_environment();
  ASSERT_EQ(manager.sockets().size(), 2u);
  EXPECT_EQ(manager.sockets()[0].descriptor, 3);
  EXPECT_EQ(manager.sockets()[0].name, "mqtt");
  EXPECT_EQ(manager.sockets()[1].descriptor, 4);
  EXPECT_EQ(manager.sockets()[1].name, "ws");
}

TEST(FileStamp, ChangesWithTheFile) {
  const std::string directory = temporary_directory();
  const std::string path = directory + "/file";
  EXPECT_EQ(file_stamp(path), FileStamp());
  FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("one", file);
  std::fclose(file);
  const FileStamp first = file_stamp(path);
  EXPECT_NE(first, FileStamp());
  EXPECT_EQ(file_stamp(path), first);
  const std::string other = directory + "/other";
  file = std::fopen(other.c_str(), "w");
  std::fputs("two", file);
  std::fclose(file);
  ASSERT_EQ(std::rename(other.c_str(), path.c_str()), 0);
  EXPECT_NE(file_stamp(path), first);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST(LocalServer, AnswersALineAndReplacesOnlyADeadSocket) {
  const std::string directory = temporary_directory();
  const std::string path = directory + "/control";
  EXPECT_FALSE(ask_local(path, "hello", 100));
  {
    auto server = LocalServer::open(path);
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_FALSE(LocalServer::open(path)) << "it is in use";
    (*server)->serve_one(0, [](std::string_view) { return std::string(); });  // the look of the second one
    const pid_t child = ::fork();
    if (child == 0) {
      const auto answer = ask_local(path, "reload", 5'000);
      ::_exit(answer && *answer == "heard reload" ? 0 : 1);
    }
    (*server)->serve_one(5'000, [](std::string_view question) { return fmt::format("heard {}", question); });
    int status = 1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    (*server)->wake();
    (*server)->serve_one(-1, [](std::string_view) { return std::string(); });
  }
  EXPECT_EQ(file_stamp(path), FileStamp()) << "it is taken away at the end";
  ::rmdir(directory.c_str());
}

}  // namespace
}  // namespace martlet::env::posix
