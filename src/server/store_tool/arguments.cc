#include "server/store_tool/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "base/nearest.h"

namespace martlet::server {
namespace {

constexpr std::string_view kActions[] = {"check", "dump", "stats"};

std::vector<std::string> table_names() {
  std::vector<std::string> names = {"log"};
  for (const std::string_view name : store::kTableNames) names.emplace_back(name);
  return names;
}

void describe(CLI::App& app, StoreArguments& arguments, std::string& action) {
  app.add_option("ACTION", action, "check: read everything and say what is damaged; dump: print it; stats: figures")
      ->required();
  app.add_option("DIR", arguments.directory, "The data directory (martlet broker --data)")->required();
  app.add_flag("--json", arguments.json, "dump: a JSON object on each line; stats: one JSON object");
  app.add_option("--table", arguments.table, "dump: only this table, or the log")
      ->type_name("NAME")
      ->check(CLI::IsMember(table_names()));
  app.add_option("--from", arguments.from, "dump: the log from this position on")->type_name("POSITION");
  app.add_option("--count", arguments.count, "dump: at most so many lines")->type_name("N");
  app.add_flag("--full", arguments.full, "dump: whole payloads and property values, however long");
  app.add_option("--top", arguments.top, "stats: list the sessions that are owed most (default 10)")->type_name("N");
  app.footer(
      "\nOnly reads, and only while no broker has the directory open.\n"
      "Exit codes: 0 done, and with check all is in order; 1 damage was found; 2 bad usage; 3 cannot be opened.");
}

}  // namespace

ParsedStoreArguments parse_store_arguments(int argc, char** argv) {
  StoreArguments arguments;
  std::string action;
  CLI::App app("Looks into the data directory of a broker that does not run.", argv[0]);
  describe(app, arguments, action);
  const auto understand = [&]() -> std::string {
    const auto* known = std::ranges::find(kActions, action);
    if (known == std::end(kActions))
      return fmt::format("unknown action \"{}\"{}", action, suggestion(action, kActions));
    arguments.action = static_cast<StoreArguments::Action>(known - std::begin(kActions));
    return {};
  };
  CommandEnd end = read_command_line(app, argc, argv, understand);
  return {std::move(end), std::move(arguments)};
}

}  // namespace martlet::server
