#include "tools/bench/bench.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "env/posix/measure.h"
#include "env/posix/system.h"
#include "tools/bench/arguments.h"
#include "tools/bench/report.h"
#include "tools/bench/run.h"

namespace martlet::tools {
namespace {

constexpr int kFaultyExit = 1;
constexpr int kUsageExit = 2;
constexpr std::size_t kSpareDescriptors = 32;

void print(env::Files& files, env::Handle stream, std::string_view text) {
  // Nobody is left to be told when the output is gone.
  static_cast<void>(files.write_stream(stream, as_bytes(text)));
}

int run_and_report(bench::BenchOptions options, std::string_view program, env::Files& files) {
  const auto complain = [&](std::string_view what) {
    print(files, env::Handle::standard_error, fmt::format("{}: {}\n", program, what));
  };
  const std::size_t limit = env::posix::raise_descriptor_limit();
  const std::size_t wanted = bench::total_connections(options) + kSpareDescriptors;
  if (wanted > limit) {
    complain(fmt::format("{} descriptors are needed and {} allowed; raise the limit (ulimit -n)", wanted, limit));
    return kUsageExit;
  }
  if (options.topic_prefix.empty()) {
    options.topic_prefix = fmt::format("bench/{:08x}", env::posix::make_entropy()->seed() & 0xFFFFFFFF);
  }
  const bool terminal = env::posix::is_terminal(env::Handle::standard_error);
  const bool show = !options.quiet && (options.progress || terminal);
  bench::RunResult result;
  const auto report = [&](std::string_view line) {
    // A terminal has one line that changes; what is kept in a file has one a second.
    const std::string text = terminal ? fmt::format("\r{}\x1b[K", line) : fmt::format("{}\n", line);
    if (show) print(files, env::Handle::standard_error, text);
  };
  const auto outcome = bench::run_bench(options, files, report, result);
  if (show && terminal) print(files, env::Handle::standard_error, "\r\x1b[K");
  if (!outcome) {
    complain(outcome.error().message);
    return kFaultyExit;
  }
  print(files, env::Handle::standard_output,
        options.json ? bench::to_json(result, options) : bench::to_table(result, options));
  // The table has it already; JSON is not for the eye.
  if (show && options.json) complain(bench::verdict_word(result, options));
  return bench::is_clean(result, options) ? 0 : kFaultyExit;
}

}  // namespace

int bench_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  const std::string_view program = argc > 0 ? argv[0] : "martlet bench";
  const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto parsed = bench::parse_arguments(arguments);
  if (!parsed) {
    print(*files, env::Handle::standard_error,
          fmt::format("{}: {}\nSee {} --help.\n", program, parsed.error().message, program));
    return kUsageExit;
  }
  if (parsed->help) {
    print(*files, env::Handle::standard_output, bench::help_text(program));
    return 0;
  }
  if (parsed->list) {
    print(*files, env::Handle::standard_output, bench::scenario_list());
    return 0;
  }
  return run_and_report(parsed->options, program, *files);
}

}  // namespace martlet::tools
