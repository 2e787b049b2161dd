#include "sim/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/hash.h"

namespace martlet::sim {

void Trace::add(int client, const char* what, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  Line& line = lines_[count_++ % kKept];
  line = {step_, client, now_ms_, what, {a, b, c}};
  hash_ = hash_bytes(what, hash_ ^ step_);
  for (const std::uint64_t value : {a, b, c, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(now_ms_)}) {
    hash_ = fold_multiply(hash_ ^ value, 0x9E3779B97F4A7C15ull);
  }
  if (prints_) fmt::print("{}\n", text_of(line));
}

std::string Trace::last_lines() const {
  std::string text;
  for (std::uint64_t i = count_ > kKept ? count_ - kKept : 0; i < count_; ++i) {
    text += text_of(lines_[i % kKept]) + '\n';
  }
  return text;
}

std::string Trace::text_of(const Line& line) {
  const std::string who = line.client == kWorld ? "world" : fmt::format("c{}", line.client);
  return fmt::format("{:6} {:7} ms {:6} {} {} {} {}", line.step, line.now_ms, who, line.what, line.values[0],
                     line.values[1], line.values[2]);
}

}  // namespace martlet::sim
