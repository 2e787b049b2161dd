// Runs scenario files: all below tests/scenario and tests/conformance, or those named. Each file at each height is one
// test, such as "memory.qos/exactly_once" and "sockets.qos/exactly_once".
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/scenario/player.h"
#include "tests/scenario/script.h"
#include "tests/scenario/world.h"
#include "tests/support/text_value.h"

namespace martlet::scenario {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw test::TextError(path.string() + ": cannot be read");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class ScenarioTest : public testing::Test {
 public:
  ScenarioTest(const Script& script, bool sockets) : script_(script), sockets_(sockets) {}

  void TestBody() override {
    const auto world = sockets_ ? make_socket_world(script_.options) : make_memory_world(script_.options);
    if (const auto failure = Player(script_, *world).play()) {
      GTEST_MESSAGE_AT_(script_.path.c_str(), failure->line, failure->message.c_str(),
                        testing::TestPartResult::kFatalFailure);
    }
  }

 private:
  const Script& script_;
  const bool sockets_;
};

// A scenario lies in a folder of the two roots; README.md and lists at their top are none.
std::vector<fs::path> all_files() {
  std::vector<fs::path> files;
  for (const char* root : {"tests/scenario", "tests/conformance"}) {
    const fs::path top = fs::path(MARTLET_SOURCE_DIR) / root;
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      if (entry.path().extension() == ".txt" && entry.path().parent_path() != top) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// "qos/exactly_once" for a file of the scenarios, "conformance/3.1/..." for the others.
std::string test_name(const fs::path& file) {
  const fs::path tests = fs::path(MARTLET_SOURCE_DIR) / "tests";
  std::string name = fs::absolute(file).lexically_normal().lexically_relative(tests).replace_extension().string();
  if (name.starts_with("scenario/")) name.erase(0, 9);
  return name;
}

void register_file(const fs::path& file) {
  static std::vector<std::unique_ptr<Script>> scripts;
  scripts.push_back(std::make_unique<Script>(parse_script(file.string(), read_file(file))));
  const Script& script = *scripts.back();
  const std::string name = test_name(file);
  for (const bool sockets : {false, true}) {
    const char* height = sockets ? "sockets" : "memory";
    if (!script.only.empty() && script.only != height) continue;
    testing::RegisterTest(height, name.c_str(), nullptr, nullptr, script.path.c_str(), 1,
                          [&script, sockets]() -> ScenarioTest* { return new ScenarioTest(script, sockets); });
  }
}

}  // namespace
}  // namespace martlet::scenario

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    std::vector<std::filesystem::path> files(argv + 1, argv + argc);
    if (files.empty()) files = martlet::scenario::all_files();
    for (const auto& file : files) martlet::scenario::register_file(file);
  } catch (const martlet::test::TextError& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  return RUN_ALL_TESTS();
}
