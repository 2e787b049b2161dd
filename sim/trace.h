// What happened, step by step: a hash of all of it, and the last lines for people. Cheap: a line becomes text only when
// it is printed.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace martlet::sim {

class Trace {
 public:
  static constexpr int kWorld = -1;

  // With `prints`, every line goes to the standard output as it happens.
  explicit Trace(bool prints) : prints_(prints) {}

  void begin_step(std::uint32_t step, std::int64_t now_ms) {
    step_ = step;
    now_ms_ = now_ms;
  }
  // `what` lives for ever; `client` is a number or kWorld.
  void add(int client, const char* what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0);

  std::uint64_t hash() const { return hash_; }
  // The last lines, oldest first.
  std::string last_lines() const;

 private:
  struct Line {
    std::uint32_t step = 0;
    int client = kWorld;
    std::int64_t now_ms = 0;
    const char* what = nullptr;
    std::array<std::uint64_t, 3> values{};
  };
  static std::string text_of(const Line& line);

  static constexpr std::size_t kKept = 64;
  std::array<Line, kKept> lines_;
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 0;
  std::uint32_t step_ = 0;
  std::int64_t now_ms_ = 0;
  bool prints_;
};

}  // namespace martlet::sim
