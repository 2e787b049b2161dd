#include "auth/password_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

constexpr std::string_view kSha =
    "$6$Hd0M8TsUhDPCb7m0$2/Vx6nOthYfbf612052OzR6vcjb1a05g3g+anMK0WYplfVCO3Qp7Z0SqLJ73qQR/eC/SeJswdbRsF4jvr5wz4Q==";
constexpr std::string_view kPbkdf2 =
    "$7$101$Z/C4cPA+8w8111Sw$Z/3jL4E//jp4OvZjjIixk9SDO0QlkgtHn+bnXW2RvBYdL1UIfT3P4nlUMVwYNVEVEP2RItz6tRt7zclKUIyQew==";
constexpr std::string_view kScram =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

std::shared_ptr<const PasswordFile> parsed(const std::string& text) {
  auto file = PasswordFile::parse(text, "users");
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  return file ? *file : nullptr;
}
std::string error_of(const std::string& text) {
  const auto file = PasswordFile::parse(text, "users");
  EXPECT_FALSE(file);
  return file ? "" : file.error().message;
}

TEST(PasswordFile, ReadsMosquittosLines) {
  const auto file = parsed(
      fmt::format("# a comment\n\nno colon here\n  alice \t: {} \r\nbob:{}:ignored\n #x:{}", kSha, kPbkdf2, kSha));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->users(), 3u);
  ASSERT_NE(file->find("alice"), nullptr);
  EXPECT_EQ(file->find("alice")->hash, kSha);
  EXPECT_EQ(file->find("bob")->hash, kPbkdf2);
  EXPECT_NE(file->find("#x"), nullptr) << "a comment begins at the first column";
  EXPECT_EQ(file->find("Alice"), nullptr);
  EXPECT_EQ(file->find(""), nullptr);
}

TEST(PasswordFile, AUserMayHaveScramKeysBesideAHash) {
  const auto file = parsed(fmt::format("a:{}\na:{}\nb:{}\n", kSha, kScram, kScram));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->users(), 2u);
  EXPECT_EQ(file->find("a")->hash, kSha);
  EXPECT_EQ(file->find("a")->scram, kScram);
  EXPECT_EQ(file->find("b")->hash, "");
  ASSERT_TRUE(file->scram_decoy());
  EXPECT_EQ(file->scram_decoy()->iterations, 4096u);
}

TEST(PasswordFile, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_EQ(error_of(fmt::format("a:{}\n:{}\n", kSha, kSha)), "users:2: the user name is empty");
  EXPECT_EQ(error_of(fmt::format("{}:{}", std::string(65'536, 'a'), kSha)),
            "users:1: the user name is longer than 65535 bytes");
  const std::string twice = error_of(fmt::format("a:{}\n\na:{}\n", kSha, kPbkdf2));
  EXPECT_TRUE(twice.starts_with("users:3: user \"a\" has a line of this kind above")) << twice;
  EXPECT_TRUE(error_of(fmt::format("a:{}\na:{}\n", kScram, kScram)).starts_with("users:2: "));
  const std::string plain = error_of("# x\njoe:hunter2\n");
  EXPECT_TRUE(plain.starts_with("users:2: user \"joe\": ")) << plain;
  EXPECT_NE(plain.find("martlet passwd -U"), std::string::npos) << plain;
  EXPECT_EQ(plain.find("hunter2"), std::string::npos) << "a password is not shown";
  EXPECT_TRUE(error_of("joe:\n").starts_with("users:1: "));
  EXPECT_EQ(error_of("a\x1b[2J:x\n").find('\x1b'), std::string::npos) << "a name cannot write to a terminal";
}

TEST(PasswordFile, TheUsualHashStandsForThoseWhoAreNotThere) {
  const auto file = parsed(fmt::format("a:{}\nb:{}\nc:{}\n", kSha, kPbkdf2, kPbkdf2));
  ASSERT_TRUE(file->decoy());
  EXPECT_EQ(file->decoy()->kind, PasswordHash::Kind::pbkdf2_sha512);
  EXPECT_EQ(file->decoy()->iterations, 101u);
  EXPECT_TRUE(file->is_slow());
  EXPECT_FALSE(parsed(fmt::format("a:{}\n", kSha))->is_slow());
  EXPECT_FALSE(parsed("")->decoy());
  EXPECT_EQ(parsed(fmt::format("a:{}\n", kScram))->decoy()->kind, PasswordHash::Kind::scram_sha256);
}

TEST(PasswordFile, HoldsManyUsers) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += fmt::format("user-{}:{}\n", i, kPbkdf2);
  const auto file = parsed(text);
  EXPECT_EQ(file->users(), 100'000u);
  EXPECT_NE(file->find("user-0"), nullptr);
  EXPECT_NE(file->find("user-99999"), nullptr);
  EXPECT_EQ(file->find("user-100000"), nullptr);
}

}  // namespace
}  // namespace martlet::auth
