// Real sockets on the loopback interface, at ports that the system chooses.
#include "env/network.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>
#include <vector>

#include "env/posix/descriptor.h"
#include "env/posix/system.h"
#include "env/testing/pollings.h"

namespace martlet::env::posix {
namespace {

// Far more than anything here takes; reached only if nothing happens.
constexpr std::int64_t kPatienceMs = 20'000;

class PosixNetworkTest : public ::testing::TestWithParam<Polling> {
 protected:
  ~PosixNetworkTest() override {
    for (const Handle handle : opened) network->close(handle);
  }

  // Opened by this test; closed with it.
  Handle keep(Handle handle) {
    opened.push_back(handle);
    return handle;
  }

  void close(Handle handle) {
    std::erase(opened, handle);
    network->close(handle);
  }

  // The first event for `token`; waits for it.
  Event await(std::uint64_t token) {
    std::array<Event, 8> events;
    const DeadlineMs give_up = clock->now().mono_ms + kPatienceMs;
    while (clock->now().mono_ms < give_up) {
      const std::size_t count = network->wait(kPatienceMs, events);
      for (std::size_t i = 0; i < count; ++i) {
        if (events[i].token == token) return events[i];
      }
    }
    ADD_FAILURE() << "no event for " << token;
    return {};
  }

  // Opens a listener at `host` and connects to it.
  void connect_pair(const std::string& host) {
    listener = keep(network->listen({host, 0}, {}).value());
    ASSERT_TRUE(network->watch(listener, {.read = true}, 1).has_value());
    const Endpoint at = network->local_endpoint(listener).value();
    ASSERT_NE(at.port, 0);
    near = keep(network->connect({host, at.port}).value());
    ASSERT_TRUE(network->watch(near, {.write = true}, 2).has_value());
    EXPECT_TRUE(await(1).readable);
    accepted = network->accept(listener);
    ASSERT_EQ(accepted.status, AcceptStatus::accepted);
    far = keep(accepted.handle);
    EXPECT_TRUE(await(2).writable);
    EXPECT_EQ(network->connect_error(near), 0);
  }

  IoOutcome write(Handle handle, std::string_view text) {
    const ByteView view = as_bytes(text);
    return network->write(handle, {&view, 1});
  }

  std::unique_ptr<Clock> clock = make_clock();
  std::unique_ptr<Network> network = make_network(GetParam()).value();
  Handle listener = Handle::none;
  Handle near = Handle::none;
  Handle far = Handle::none;
  Accepted accepted;
  std::vector<Handle> opened;
};

bool without_delay(Handle handle) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor(handle), IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0 && value != 0;
}

bool has_ipv6(Network& network) {
  const auto listener = network.listen({"::1", 0}, {});
  if (listener) network.close(*listener);
  return listener.has_value();
}

TEST_P(PosixNetworkTest, MovesBytesOverIpv4) {
  connect_pair("127.0.0.1");
  EXPECT_EQ(accepted.peer_address, to_text(network->local_endpoint(near).value()));
  for (const Handle end : {near, far}) EXPECT_TRUE(without_delay(end));
  std::array<std::uint8_t, 64> room{};
  EXPECT_EQ(network->read(far, room).status, IoStatus::would_block);
  const std::array<ByteView, 3> views = {as_bytes("one"), as_bytes("two"), as_bytes("three")};
  EXPECT_EQ(network->write(near, views).bytes, 11u);
  ASSERT_TRUE(network->watch(far, {.read = true}, 3).has_value());
  EXPECT_TRUE(await(3).readable);
  const IoOutcome got = network->read(far, room);
  EXPECT_EQ(as_text(ByteView(room).first(got.bytes)), "onetwothree");
}

TEST_P(PosixNetworkTest, MovesBytesOverIpv6) {
  if (!has_ipv6(*network)) GTEST_SKIP() << "no IPv6 here";
  connect_pair("::1");
  EXPECT_THAT(accepted.peer_address, ::testing::StartsWith("[::1]:"));
}

TEST_P(PosixNetworkTest, KnowsLocalhost) {
  connect_pair("localhost");
  const auto found = network->resolve({"localhost", 7}).value();
  EXPECT_THAT(found, ::testing::Each(::testing::AnyOf(Endpoint{"127.0.0.1", 7}, Endpoint{"::1", 7})));
  EXPECT_FALSE(found.empty());
}

TEST_P(PosixNetworkTest, ListensOnBothFamilies) {
  if (!has_ipv6(*network)) GTEST_SKIP() << "no IPv6 here";
  for (const char* everywhere : {"", "*"}) {
    listener = keep(network->listen({everywhere, 0}, {}).value());
    ASSERT_TRUE(network->watch(listener, {.read = true}, 1).has_value());
    const std::uint16_t port = network->local_endpoint(listener).value().port;
    for (const char* host : {"127.0.0.1", "::1"}) {
      near = keep(network->connect({host, port}).value());
      EXPECT_TRUE(await(1).readable);
      // An IPv4 peer reads as one.
      accepted = network->accept(listener);
      keep(accepted.handle);
      EXPECT_EQ(accepted.peer_address, to_text(network->local_endpoint(near).value()));
    }
    close(listener);
  }
}

TEST_P(PosixNetworkTest, ResolvesNumericEndpointsToThemselves) {
  EXPECT_THAT(network->resolve({"192.0.2.1", 5}).value(), ::testing::ElementsAre(Endpoint{"192.0.2.1", 5}));
  EXPECT_THAT(network->resolve({"2001:db8::1", 5}).value(), ::testing::ElementsAre(Endpoint{"2001:db8::1", 5}));
  EXPECT_FALSE(network->resolve({"not a host name", 5}).has_value());
}

TEST_P(PosixNetworkTest, SharesAPortOnlyWhenAsked) {
  const Handle first = keep(network->listen({"127.0.0.1", 0}, {.reuse_port = true}).value());
  const Endpoint at = network->local_endpoint(first).value();
  const auto second = network->listen(at, {.reuse_port = true});
  ASSERT_TRUE(second.has_value());
  keep(*second);
  const auto refused = network->listen(at, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().system_code, EADDRINUSE);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr(to_text(at)));
}

TEST_P(PosixNetworkTest, TellsARefusedConnect) {
  const Handle gone = keep(network->listen({"127.0.0.1", 0}, {}).value());
  const Endpoint at = network->local_endpoint(gone).value();
  close(gone);
  const auto attempt = network->connect(at);
  if (!attempt) {
    EXPECT_EQ(attempt.error().system_code, ECONNREFUSED);
    return;
  }
  keep(*attempt);
  ASSERT_TRUE(network->watch(*attempt, {.write = true}, 2).has_value());
  EXPECT_TRUE(await(2).hangup);
  EXPECT_EQ(network->connect_error(*attempt), ECONNREFUSED);
}

TEST_P(PosixNetworkTest, EndsAStreamOneWayAtATime) {
  connect_pair("127.0.0.1");
  network->shutdown_write(near);
  ASSERT_TRUE(network->watch(far, {.read = true}, 3).has_value());
  const Event event = await(3);
  EXPECT_TRUE(event.readable);
  EXPECT_FALSE(event.hangup);
  std::array<std::uint8_t, 8> room{};
  EXPECT_EQ(network->read(far, room).status, IoStatus::closed);
  EXPECT_EQ(write(far, "still").bytes, 5u);
  network->change(near, {.read = true}, 2);
  EXPECT_TRUE(await(2).readable);
  EXPECT_EQ(network->read(near, room).bytes, 5u);
}

TEST_P(PosixNetworkTest, SurvivesWritingToAPeerThatIsGone) {
  connect_pair("127.0.0.1");
  close(near);
  ASSERT_TRUE(network->watch(far, {.read = true}, 3).has_value());
  await(3);
  IoOutcome outcome = write(far, "x");  // answered by a reset
  const DeadlineMs give_up = clock->now().mono_ms + kPatienceMs;
  while (outcome.status == IoStatus::ok && clock->now().mono_ms < give_up) outcome = write(far, "x");
  EXPECT_EQ(outcome.status, IoStatus::failed);
  EXPECT_THAT(outcome.system_code, ::testing::AnyOf(EPIPE, ECONNRESET));
}

TEST_P(PosixNetworkTest, RefusesBytesWhenThePeerDoesNotRead) {
  connect_pair("127.0.0.1");
  const std::string chunk(1 << 20, 'x');
  IoOutcome outcome{IoStatus::ok, 0, 0};
  for (int i = 0; i < 1000 && outcome.status == IoStatus::ok; ++i) outcome = write(near, chunk);
  EXPECT_EQ(outcome.status, IoStatus::would_block);
}

TEST_P(PosixNetworkTest, WakesFromAnotherThread) {
  std::array<Event, 4> events;
  std::thread other([&] { network->wake(); });
  EXPECT_EQ(network->wait(-1, events), 0u);  // returns, or hangs for ever
  other.join();
  network->wake();
  network->wake();
  EXPECT_EQ(network->wait(-1, events), 0u);  // both wakes ended this one wait
  EXPECT_EQ(network->wait(0, events), 0u);
}

TEST_P(PosixNetworkTest, WatchesARegularFileAsAlwaysReady) {
  OwnedDescriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  const Handle handle{file.get()};
  ASSERT_TRUE(network->watch(handle, {.read = true}, 9).has_value());
  std::array<Event, 4> events;
  ASSERT_EQ(network->wait(-1, events), 1u);
  EXPECT_EQ(events[0].token, 9u);
  network->unwatch(handle);
  EXPECT_EQ(network->wait(0, events), 0u);
}

TEST_P(PosixNetworkTest, ShedsWhenDescriptorsAreOut) {
  listener = keep(network->listen({"127.0.0.1", 0}, {}).value());
  const Endpoint at = network->local_endpoint(listener).value();
  near = keep(network->connect(at).value());
  ASSERT_TRUE(network->watch(listener, {.read = true}, 1).has_value());
  await(1);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Room for none: the lowest free descriptor lies beyond the limit.
  const int free_one = ::dup(descriptor(listener));
  ::close(free_one);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(free_one);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const AcceptStatus status = network->accept(listener).status;
  const bool shed = network->shed(listener);
  const bool again = network->shed(listener);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status, AcceptStatus::out_of_descriptors);
  EXPECT_TRUE(shed);
  EXPECT_FALSE(again);  // nobody waits
  ASSERT_TRUE(network->watch(near, {.read = true}, 2).has_value());
  await(2);
  std::array<std::uint8_t, 8> room{};
  EXPECT_THAT(network->read(near, room).status, ::testing::AnyOf(IoStatus::closed, IoStatus::failed));
  EXPECT_EQ(network->accept(listener).status, AcceptStatus::would_block);
}

TEST_P(PosixNetworkTest, WritesSeveralAtOnce) {
  connect_pair("127.0.0.1");
  const Handle second = keep(network->connect(network->local_endpoint(listener).value()).value());
  Accepted other;
  while (other.status != AcceptStatus::accepted) other = network->accept(listener);
  keep(other.handle);
  network->shutdown_write(other.handle);
  const std::array<ByteView, 1> one = {as_bytes("one view")};
  const std::array<ByteView, 3> three = {as_bytes("and"), as_bytes(" "), as_bytes("three")};
  std::array<Sending, 3> sendings = {{{near, one, {}}, {other.handle, one, {}}, {second, three, {}}}};
  network->write_all(sendings);
  EXPECT_EQ(sendings[0].outcome.bytes, 8u);
  EXPECT_EQ(sendings[1].outcome.status, IoStatus::failed);
  EXPECT_EQ(sendings[1].outcome.system_code, EPIPE);
  EXPECT_EQ(sendings[2].outcome.bytes, 9u);
  std::array<std::uint8_t, 64> room{};
  const IoOutcome got = network->read(other.handle, room);
  EXPECT_EQ(as_text(ByteView(room).first(got.bytes)), "and three");
}

TEST_P(PosixNetworkTest, FindsThatASocketTakesNoMore) {
  connect_pair("127.0.0.1");
  const std::string text(1 << 20, 'x');
  const std::array<ByteView, 1> view = {as_bytes(text)};
  Sending sending{near, view, {}};
  do {
    network->write_all({&sending, 1});
  } while (sending.outcome.status == IoStatus::ok);
  EXPECT_EQ(sending.outcome.status, IoStatus::would_block);
}

INSTANTIATE_TEST_SUITE_P(With, PosixNetworkTest, ::testing::ValuesIn(testing::pollings()), testing::polling_name);

}  // namespace
}  // namespace martlet::env::posix
