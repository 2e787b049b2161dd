#include "tools/prove/prove.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "env/posix/measure.h"
#include "env/posix/system.h"
#include "tools/exit_code.h"
#include "tools/number.h"
#include "tools/prove/arguments.h"
#include "tools/prove/publisher.h"
#include "tools/prove/report.h"
#include "tools/prove/run.h"

namespace martlet::tools {
namespace {

void print(env::Files& files, env::Handle stream, std::string_view text) {
  // Nobody is left to be told when the output is gone.
  static_cast<void>(files.write_stream(stream, as_bytes(text)));
}

int check(const prove::ProveOptions& options, std::span<const std::string_view> arguments, std::string_view program,
          env::Files& files) {
  const bool show = !options.quiet && env::posix::is_terminal(env::Handle::standard_error);
  const auto progress = [&](std::string_view line) {
    if (show) print(files, env::Handle::standard_error, fmt::format("{}\n", line));
  };
  prove::RunResult result;
  const auto outcome = prove::run_prove(options, arguments, progress, result);
  if (!outcome) {
    print(files, env::Handle::standard_error, fmt::format("{}: {}\n", program, outcome.error().message));
    return kExitCouldNotRun;
  }
  print(files, env::Handle::standard_output,
        options.json ? prove::to_json(result, options) : prove::to_table(result, options));
  if (!result.findings.clean()) return kExitFailed;
  return result.interrupted ? kExitCouldNotRun : kExitDone;
}

}  // namespace

int prove_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  const std::string_view program = argc > 0 ? argv[0] : "martlet prove";
  const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  auto options = prove::parse_arguments(arguments);
  if (!options) {
    print(*files, env::Handle::standard_error,
          fmt::format("{}: {}\nSee {} --help.\n", program, options.error().message, program));
    return kExitUsage;
  }
  if (options->help) {
    print(*files, env::Handle::standard_output, prove::help_text(program));
    return kExitDone;
  }
  if (!options->seed) options->seed = env::posix::make_entropy()->seed() & 0xFFFFFFFF;
  if (options->publisher_of.empty()) return check(*options, arguments, program, *files);
  const auto run = parse_number<std::uint64_t>(options->publisher_of, 0, ~std::uint64_t{0});
  return run ? prove::run_publishers(*options, *run) : kExitUsage;
}

}  // namespace martlet::tools
