#include "env/posix/update_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

class UpdateFile : public ::testing::Test {
 protected:
  UpdateFile() {
    std::string pattern = ::testing::TempDir() + "martlet_update_XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder + "/file";
  }
  ~UpdateFile() override { std::filesystem::remove_all(folder); }

  static FileChange to(const std::string& text) {
    return [text](const std::optional<std::string>&) -> Result<std::string> { return text; };
  }
  std::string contents() { return make_files()->read_all(path, 1'000'000).value_or("(none)"); }
  static mode_t mode_of(const std::string& name) {
    struct stat facts {};
    return ::stat(name.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
  }
  std::size_t files_there() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  std::string folder;
  std::string path;
};

TEST_F(UpdateFile, MakesAFileThatItsOwnerAloneCanRead) {
  bool was_there = true;
  ASSERT_TRUE(update_file(path, 100, [&](const std::optional<std::string>& old) -> Result<std::string> {
    was_there = old.has_value();
    return "new";
  }));
  EXPECT_FALSE(was_there);
  EXPECT_EQ(contents(), "new");
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST_F(UpdateFile, KeepsTheModeOfTheOldOne) {
  ASSERT_TRUE(update_file(path, 100, to("old")));
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  std::string seen;
  ASSERT_TRUE(update_file(path, 100, [&](const std::optional<std::string>& old) -> Result<std::string> {
    seen = old.value_or("");
    return "new";
  }));
  EXPECT_EQ(seen, "old");
  EXPECT_EQ(contents(), "new");
  EXPECT_EQ(mode_of(path), 0640u);
  EXPECT_EQ(files_there(), 1u);
}

TEST_F(UpdateFile, AnErrorChangesNothing) {
  ASSERT_TRUE(update_file(path, 100, to("old")));
  EXPECT_FALSE(update_file(path, 100, [](const auto&) -> Result<std::string> { return fail("no"); }));
  EXPECT_FALSE(update_file(path, 2, to("new"))) << "the old one is larger";
  EXPECT_FALSE(update_file(folder, 100, to("new")));
  EXPECT_FALSE(update_file(folder + "/none/file", 100, to("new")));
  EXPECT_EQ(contents(), "old");
  EXPECT_EQ(files_there(), 1u);
}

TEST_F(UpdateFile, FollowsALink) {
  ASSERT_TRUE(update_file(path, 100, to("old")));
  const std::string link = folder + "/link";
  ASSERT_EQ(::symlink("file", link.c_str()), 0);
  ASSERT_TRUE(update_file(link, 100, to("new")));
  EXPECT_EQ(contents(), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST_F(UpdateFile, TwoAtOnceLoseNothing) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        const auto done = update_file(path, 1'000, [](const std::optional<std::string>& old) -> Result<std::string> {
          return old.value_or("") + "x";
        });
        EXPECT_TRUE(done);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(contents(), std::string(40, 'x'));
}

}  // namespace
}  // namespace martlet::env::posix
