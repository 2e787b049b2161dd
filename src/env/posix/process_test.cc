#include "env/posix/process.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/bytes.h"
#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

std::string rest_of(Handle stream) {
  const auto files = make_files();
  std::string text;
  std::array<std::uint8_t, 256> room;
  for (;;) {
    const IoOutcome outcome = files->read_some(stream, room);
    if (outcome.status != IoStatus::ok) return text;
    text += as_text(ByteView(room).first(outcome.bytes));
  }
}

int wait_for(ChildProcess& child) {
  for (;;) {
    if (const auto status = child.exit_status()) return *status;
  }
}

TEST(ChildProcess, ReadsItsInputAndWritesItsOutput) {
  auto child = ChildProcess::start("/bin/sh", {"sh", "-c", "read word; echo got $word; exit 3"}, ChildStreams::pipes);
  ASSERT_TRUE(child) << child.error().message;
  ASSERT_TRUE(make_files()->write_stream((*child)->input(), as_bytes("this\n")));
  EXPECT_EQ(rest_of((*child)->output()), "got this\n");
  EXPECT_EQ(wait_for(**child), 3);
  EXPECT_EQ((*child)->exit_status(), 3);
}

TEST(ChildProcess, SeesTheEndOfItsInput) {
  auto child = ChildProcess::start("/bin/sh", {"sh", "-c", "cat; echo end"}, ChildStreams::pipes);
  ASSERT_TRUE(child);
  (*child)->close_input();
  EXPECT_EQ(rest_of((*child)->output()), "end\n");
}

TEST(ChildProcess, IsKilledWithItsChildren) {
  auto child = ChildProcess::start("/bin/sh", {"sh", "-c", "cat /dev/zero | cat > /dev/null"}, ChildStreams::none);
  ASSERT_TRUE(child);
  EXPECT_FALSE((*child)->exit_status());
  (*child)->kill();
  EXPECT_EQ(wait_for(**child), 128 + 9);
}

TEST(ChildProcess, TellsWhatCannotBeStarted) {
  const auto child = ChildProcess::start("/no/such/program", {"x"}, ChildStreams::none);
  ASSERT_FALSE(child);
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

TEST(OwnProgram, IsThisTest) {
  EXPECT_NE(own_program().value().find("env_test"), std::string::npos);
}

}  // namespace
}  // namespace martlet::env::posix
