#include "env/posix/bounded_socket.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

using ::testing::HasSubstr;

// A listener whose connections the test takes itself.
class BoundedSocketTest : public ::testing::Test {
 protected:
  BoundedSocketTest() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 4);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    endpoint_ = {"127.0.0.1", ntohs(address.sin_port)};
  }
  BoundedSocket connect() {
    auto socket = BoundedSocket::connect(endpoint_, in(10'000));
    EXPECT_TRUE(socket) << socket.error().message;
    peer_ = OwnedDescriptor(::accept(listener_.get(), nullptr, nullptr));
    return std::move(*socket);
  }
  Deadline in(std::int64_t ms) { return Deadline(*clock_, ms); }

  std::unique_ptr<Clock> clock_ = make_clock();
  OwnedDescriptor listener_;
  OwnedDescriptor peer_;
  Endpoint endpoint_;
  std::array<std::uint8_t, 64> room_{};
};

TEST_F(BoundedSocketTest, Writes) {
  BoundedSocket socket = connect();
  ASSERT_TRUE(socket.write(as_bytes("hello"), in(10'000)));
  ASSERT_EQ(::recv(peer_.get(), room_.data(), 5, MSG_WAITALL), 5);
  EXPECT_EQ(as_text(ByteView(room_).first(5)), "hello");
}

TEST_F(BoundedSocketTest, ReadsWhatComesAndTellsTheEnd) {
  BoundedSocket socket = connect();
  EXPECT_TRUE(socket.quiet());
  ASSERT_EQ(::send(peer_.get(), "abc", 3, 0), 3);
  const auto count = socket.read(room_, in(10'000));
  ASSERT_TRUE(count);
  EXPECT_EQ(as_text(ByteView(room_).first(*count)), "abc");
  peer_.reset();
  const auto end = socket.read(room_, in(10'000));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().message, "the connection was closed");
  EXPECT_FALSE(socket.quiet());
}

TEST_F(BoundedSocketTest, DoesNotWaitLongerThanItMay) {
  BoundedSocket socket = connect();
  const auto count = socket.read(room_, in(20));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().system_code, ETIMEDOUT);
  const std::string much(std::size_t{64} << 20, 'x');
  const auto written = socket.write(as_bytes(much), in(20));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().system_code, ETIMEDOUT);
}

TEST_F(BoundedSocketTest, NobodyThere) {
  listener_.reset();
  const auto socket = BoundedSocket::connect(endpoint_, in(10'000));
  ASSERT_FALSE(socket);
  EXPECT_THAT(socket.error().message, HasSubstr("cannot connect to 127.0.0.1:"));
}

TEST_F(BoundedSocketTest, ResolvesNamesAndNumbers) {
  EXPECT_THAT(resolve_within("192.0.2.1", in(0)).value(), ::testing::ElementsAre("192.0.2.1"));
  EXPECT_THAT(resolve_within("2001:db8::1", in(0)).value(), ::testing::ElementsAre("2001:db8::1"));
  EXPECT_THAT(resolve_within("localhost", in(10'000)).value(),
              ::testing::Contains(::testing::AnyOf("127.0.0.1", "::1")));
  EXPECT_FALSE(resolve_within("999.1.1.1", in(10'000)));
}

}  // namespace
}  // namespace martlet::env::posix
