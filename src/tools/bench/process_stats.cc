#include "tools/bench/process_stats.h"

#include <fmt/format.h>

#include <charconv>

#include "env/posix/measure.h"

namespace martlet::tools::bench {
namespace {

constexpr std::size_t kMostBytes = 64 * 1024;

std::string_view take_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  const std::size_t end = std::min(text.find_first_of(" \t\n", begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

std::optional<std::uint64_t> to_number(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint64_t> parse_status(std::string_view text, std::string_view field) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(field) || line.size() <= field.size() || line[field.size()] != ':') continue;
    line.remove_prefix(field.size() + 1);
    const auto kib = to_number(take_word(line));
    if (!kib) return std::nullopt;
    return *kib * 1024;
  }
  return std::nullopt;
}

Result<ProcessSample> sample_process(env::Files& files, std::int32_t pid) {
  const auto cpu_ns = env::posix::process_cpu_ns(pid);
  if (!cpu_ns) return fail(fmt::format("there is no process {}", pid));
  const auto status = files.read_all(fmt::format("/proc/{}/status", pid), kMostBytes);
  if (!status) return tl::unexpected(status.error());
  // A process that has ended and waits for its parent has no memory any more.
  return ProcessSample{static_cast<double>(*cpu_ns) / 1e9, parse_status(*status, "VmRSS").value_or(0),
                       parse_status(*status, "VmHWM").value_or(0)};
}

}  // namespace martlet::tools::bench
