// Unix sockets and inherited ones, through Network.
#include "env/posix/unix_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>

#include "env/posix/system.h"
#include "env/testing/pollings.h"

namespace martlet::env::posix {
namespace {

class UnixSocketTest : public ::testing::TestWithParam<Polling> {
 protected:
  UnixSocketTest() {
    std::string folder = ::testing::TempDir() + "martlet-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path = folder_ + "/broker.sock";
    at = {"unix:" + path, 0};
  }
  ~UnixSocketTest() override {
    ::unlink(path.c_str());
    ::rmdir(folder_.c_str());
  }

  bool exists() const {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0;
  }
  Accepted accept(Handle listener) {
    Accepted accepted;
    for (int i = 0; i < 1000 && accepted.status == AcceptStatus::would_block; ++i) accepted = network->accept(listener);
    EXPECT_EQ(accepted.status, AcceptStatus::accepted);
    return accepted;
  }
  // A peer that talks with whoever accepts at `listener`.
  void expect_talk(Handle listener, const Endpoint& endpoint) {
    const Handle near = network->connect(endpoint).value();
    const Accepted accepted = accept(listener);
    const ByteView view = as_bytes("hello");
    EXPECT_EQ(network->write(near, {&view, 1}).bytes, 5u);
    std::array<std::uint8_t, 16> room{};
    const IoOutcome got = network->read(accepted.handle, room);
    EXPECT_EQ(as_text(ByteView(room).first(got.bytes)), "hello");
    network->close(near);
    network->close(accepted.handle);
  }

  std::unique_ptr<Network> network = make_network(GetParam()).value();
  std::string path;
  Endpoint at;

 private:
  std::string folder_;
};

TEST_P(UnixSocketTest, ListensUntilItIsClosed) {
  const Handle listener = network->listen(at, {.unix_mode = 0600}).value();
  EXPECT_EQ(network->local_endpoint(listener).value(), at);
  struct stat found {};
  ASSERT_EQ(::lstat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  expect_talk(listener, at);
  network->close(listener);
  EXPECT_FALSE(exists());
}

TEST_P(UnixSocketTest, TellsWhoConnects) {
  const Handle listener = network->listen(at, {}).value();
  const Handle near = network->connect(at).value();
  const Accepted accepted = accept(listener);
  EXPECT_EQ(accepted.peer_address, "unix:uid=" + std::to_string(::getuid()) + ",pid=" + std::to_string(::getpid()));
  for (const Handle handle : {near, accepted.handle, listener}) network->close(handle);
}

TEST_P(UnixSocketTest, ReplacesWhatADeadProcessLeft) {
  { const OwnedDescriptor dead = std::move(listen_at_unix(path, {}).value()); }
  ASSERT_TRUE(exists());
  const Handle listener = network->listen(at, {}).value();
  expect_talk(listener, at);
  network->close(listener);
}

TEST_P(UnixSocketTest, LeavesALiveOneAlone) {
  const Handle listener = network->listen(at, {}).value();
  const auto second = network->listen(at, {.reuse_port = true});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().system_code, EADDRINUSE);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("in use by another process"));
  EXPECT_TRUE(exists());
  network->close(listener);
}

TEST_P(UnixSocketTest, TouchesNoOtherFile) {
  { const OwnedDescriptor file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); }
  const auto refused = network->listen(at, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("no socket"));
  EXPECT_TRUE(exists());
}

TEST_P(UnixSocketTest, RemovesOnlyItsOwnFile) {
  const Handle listener = network->listen(at, {}).value();
  ::unlink(path.c_str());
  const OwnedDescriptor successor = std::move(listen_at_unix(path, {}).value());
  network->close(listener);
  EXPECT_TRUE(exists());
}

TEST_P(UnixSocketTest, SaysWhatIsWrongWithAPath) {
  EXPECT_THAT(network->listen({"unix:" + std::string(200, 'x'), 0}, {}).error().message, ::testing::HasSubstr("107"));
  const auto nowhere = network->listen({"unix:/nowhere/at/all.sock", 0}, {});
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().system_code, ENOENT);
  EXPECT_EQ(network->connect(at).error().system_code, ENOENT);
}

TEST_P(UnixSocketTest, ListensWithWhatItInherits) {
  const OwnedDescriptor unix_socket = std::move(listen_at_unix(path, {}).value());
  const Handle first = network->listen({"*", 1883}, {.inherited_descriptor = unix_socket.get()}).value();
  const Handle second = network->listen({"*", 1883}, {.inherited_descriptor = unix_socket.get()}).value();
  EXPECT_EQ(network->local_endpoint(first).value(), at);
  expect_talk(first, at);
  network->close(first);
  // The file is whoever's opened the socket.
  EXPECT_TRUE(exists());
  expect_talk(second, at);
  network->close(second);

  const Handle tcp = network->listen({"127.0.0.1", 0}, {}).value();
  const Endpoint tcp_at = network->local_endpoint(tcp).value();
  const int flags = ::fcntl(descriptor(tcp), F_GETFL);
  ::fcntl(descriptor(tcp), F_SETFL, flags & ~O_NONBLOCK);
  const Handle heir = network->listen({"*", 1}, {.inherited_descriptor = descriptor(tcp)}).value();
  EXPECT_EQ(network->accept(heir).status, AcceptStatus::would_block);
  expect_talk(heir, tcp_at);
  network->close(heir);
  network->close(tcp);
}

TEST_P(UnixSocketTest, InheritsListeningSocketsOnly) {
  const OwnedDescriptor idle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(network->listen(at, {.inherited_descriptor = idle.get()}).error().system_code, EINVAL);
  const OwnedDescriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(network->listen(at, {.inherited_descriptor = file.get()}).error().system_code, ENOTSOCK);
  EXPECT_EQ(network->listen(at, {.inherited_descriptor = 1'000'000}).error().system_code, EBADF);
}

INSTANTIATE_TEST_SUITE_P(With, UnixSocketTest, ::testing::ValuesIn(testing::pollings()), testing::polling_name);

}  // namespace
}  // namespace martlet::env::posix
