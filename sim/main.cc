// The simulator: runs seeds one after another and tells the first that fails, with the way to see it again.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "sim/world.h"

namespace {

using martlet::sim::Outcome;
using martlet::sim::Plant;
using martlet::sim::RunOptions;
using martlet::sim::World;

struct Arguments {
  RunOptions run;
  std::uint64_t seeds = 1;
  std::uint64_t stride = 1;
  bool announces = false;  // each seed on a line of its own before it runs
};

constexpr std::string_view kUsage =
    "Usage: martlet_sim [--seed S] [--seeds N] [--stride K] [--steps M] [--verbose] [--announce]\n"
    "Runs the seeds S, S+K, ... below S+N, each for M steps (default: seed 1, 2,000 steps).\n"
    "--plant early_acknowledgement | forgotten_release | greedy_trim: with that fault in the broker.\n";

std::optional<std::uint64_t> number(const char* text) {
  std::uint64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

struct PlantName {
  std::string_view name;
  Plant plant;
};
constexpr std::array<PlantName, 3> kPlants = {{{"early_acknowledgement", Plant::early_acknowledgement},
                                               {"forgotten_release", Plant::forgotten_release},
                                               {"greedy_trim", Plant::greedy_trim}}};

std::optional<Plant> plant_of(std::string_view name) {
  for (const PlantName& each : kPlants) {
    if (each.name == name) return each.plant;
  }
  return std::nullopt;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  arguments.run.seed = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--verbose") {
      arguments.run.prints = true;
    } else if (name == "--announce") {
      arguments.announces = true;
    } else if (name == "--plant") {
      const auto plant = i + 1 < argc ? plant_of(argv[++i]) : std::nullopt;
      if (!plant) return std::nullopt;
      arguments.run.plant = *plant;
    } else {
      const auto value = i + 1 < argc ? number(argv[++i]) : std::nullopt;
      if (!value) return std::nullopt;
      if (name == "--seed") {
        arguments.run.seed = *value;
      } else if (name == "--seeds") {
        arguments.seeds = *value;
      } else if (name == "--stride" && *value > 0) {
        arguments.stride = *value;
      } else if (name == "--steps") {
        arguments.run.steps = static_cast<std::uint32_t>(*value);
      } else {
        return std::nullopt;
      }
    }
  }
  return arguments;
}

void tell(const RunOptions& run, const Outcome& outcome) {
  fmt::print("\nseed {} fails in step {}: {}\n\nThe last lines:\n{}\nTo see it again: ./dev sim {} --steps {}\n",
             run.seed, outcome.step, outcome.failure, outcome.last_lines, run.seed, run.steps);
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    std::fputs(kUsage.data(), stderr);
    return 2;
  }
  RunOptions run = arguments->run;
  std::uint64_t messages = 0;
  std::uint64_t crashes = 0;
  std::uint64_t runs = 0;
  const std::uint64_t end = run.seed + arguments->seeds;
  for (; run.seed < end; run.seed += arguments->stride) {
    if (arguments->announces) {
      fmt::print("seed {}\n", run.seed);
      std::fflush(stdout);
    }
    const Outcome outcome = World(run).run();
    if (!outcome.failure.empty()) {
      tell(run, outcome);
      return 1;
    }
    if (run.prints) fmt::print("trace hash {:016x}\n", outcome.trace_hash);
    ++runs;
    messages += outcome.messages;
    crashes += outcome.crashes;
  }
  fmt::print("ok: {} runs of {} steps, {} messages, {} crashes and restarts\n", runs, run.steps, messages, crashes);
  return 0;
}
