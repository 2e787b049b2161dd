// Clock, entropy, files and signals of the real system.
#include "env/posix/system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {
namespace {

TEST(PosixClock, GoesForwardAndKnowsTheYear) {
  const auto clock = make_clock();
  const Now first = clock->now();
  const Now second = clock->now();
  EXPECT_GE(second.mono_ms, first.mono_ms);
  EXPECT_GT(first.wall_ms, 1'700'000'000'000);
}

TEST(PosixEntropy, DiffersEachTime) {
  const auto entropy = make_entropy();
  EXPECT_NE(entropy->seed(), entropy->seed());
  // Larger than what one call to the system gives for sure.
  std::vector<std::uint8_t> bytes(100'000);
  entropy->fill(bytes);
  EXPECT_THAT(std::vector(bytes.end() - 64, bytes.end()), ::testing::Contains(::testing::Ne(0)));
}

class PosixFiles : public ::testing::Test {
 protected:
  PosixFiles() {
    std::string pattern = ::testing::TempDir() + "martlet_files_XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder + "/file";
  }
  ~PosixFiles() override {
    ::unlink(path.c_str());
    ::rmdir(folder.c_str());
  }

  std::unique_ptr<Files> files = make_files();
  std::string folder;
  std::string path;
};

TEST_F(PosixFiles, ReadsWhatItWrote) {
  std::string content(100'000, 'x');
  content[50] = '\0';
  ASSERT_TRUE(files->write_all(path, as_bytes(content)).has_value());
  EXPECT_EQ(files->read_all(path, content.size()).value(), content);
  ASSERT_TRUE(files->append(path, as_bytes("tail")).has_value());
  EXPECT_EQ(files->read_all(path, 1'000'000).value(), content + "tail");
  ASSERT_TRUE(files->write_all(path, as_bytes("short")).has_value());
  EXPECT_EQ(files->read_all(path, 1'000'000).value(), "short");
}

TEST_F(PosixFiles, RefusesWhatIsTooLarge) {
  ASSERT_TRUE(files->write_all(path, as_bytes("12345")).has_value());
  EXPECT_FALSE(files->read_all(path, 4).has_value());
}

TEST_F(PosixFiles, NamesWhatItCannotOpen) {
  const auto missing = files->read_all(path, 100);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().system_code, ENOENT);
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr(path));
  EXPECT_FALSE(files->read_all(folder, 100).has_value());
  EXPECT_FALSE(files->write_all(folder, as_bytes("x")).has_value());
}

TEST(PosixStreams, MovesBytesThroughAPipe) {
  ignore_sigpipe();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  OwnedDescriptor reader(ends[0]);
  OwnedDescriptor writer(ends[1]);
  const auto files = make_files();
  ASSERT_TRUE(files->write_stream(Handle{writer.get()}, as_bytes("line\n")).has_value());
  std::array<std::uint8_t, 64> room{};
  const IoOutcome first = files->read_some(Handle{reader.get()}, room);
  EXPECT_EQ(first.status, IoStatus::ok);
  EXPECT_EQ(as_text(ByteView(room).first(first.bytes)), "line\n");
  writer.reset();
  EXPECT_EQ(files->read_some(Handle{reader.get()}, room).status, IoStatus::closed);
}

TEST(PosixStreams, FailsWhenNobodyReads) {
  ignore_sigpipe();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  OwnedDescriptor(ends[0]).reset();
  OwnedDescriptor writer(ends[1]);
  const auto written = make_files()->write_stream(Handle{writer.get()}, as_bytes("x"));
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().system_code, EPIPE);
}

TEST(PosixSignals, ArriveAsEvents) {
  const auto network = make_network().value();
  const auto signals = make_signals().value();
  ASSERT_TRUE(network->watch(signals->handle(), {.read = true}, 5).has_value());
  EXPECT_FALSE(signals->next().has_value());
  std::array<Event, 4> events;
  EXPECT_EQ(network->wait(0, events), 0u);
  ::raise(SIGUSR1);
  ASSERT_EQ(network->wait(-1, events), 1u);
  EXPECT_EQ(events[0].token, 5u);
  EXPECT_TRUE(events[0].readable);
  EXPECT_EQ(signals->next(), Signal::dump);
  EXPECT_FALSE(signals->next().has_value());
  ::raise(SIGTERM);
  EXPECT_EQ(signals->next(), Signal::terminate);
  ::raise(SIGINT);
  EXPECT_EQ(signals->next(), Signal::interrupt);
}

TEST(DescriptorLimit, IsRaised) {
  EXPECT_GT(raise_descriptor_limit(), 3u);
}

}  // namespace
}  // namespace martlet::env::posix
