// Long options as tables of rows, for tools whose options are not mosquitto's: finds what was given, in any order, as
// "--name value", "--name=value" or "-n value", and writes the tables for --help.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "base/result.h"
#include "tools/number.h"

namespace martlet::tools {

template <class Options>
struct ArgumentRow {
  std::string_view name;
  std::string_view value;  // its placeholder; empty for a switch
  std::string_view help;   // empty: not shown
  Result<void> (*set)(Options&, std::string_view value);
  std::string_view short_name = {};
};

template <class Options>
struct ArgumentGroup {
  std::string_view title;
  std::span<const ArgumentRow<Options>> rows;
};

template <class Options>
struct CollectedArguments {
  struct Given {
    const ArgumentRow<Options>* row;
    std::string_view value;
  };
  std::vector<Given> given;
  std::vector<std::string_view> words;  // what is no option
  bool help = false;

  // Applies what was given, in its order. An Error names the option.
  Result<void> apply(Options& options) const {
    for (const Given& one : given) {
      if (auto set = one.row->set(options, one.value); !set) {
        return fail(fmt::format("{}: {}", one.row->name, set.error().message));
      }
    }
    return {};
  }
};

// The row of `name` ("--host", "-h"), or nullptr.
template <class Options>
const ArgumentRow<Options>* find_argument(std::span<const ArgumentGroup<Options>> groups, std::string_view name) {
  for (const auto& group : groups) {
    for (const auto& row : group.rows) {
      if (row.name == name || (!row.short_name.empty() && row.short_name == name)) return &row;
    }
  }
  return nullptr;
}

template <class Options>
Error unknown_argument(std::span<const ArgumentGroup<Options>> groups, std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& group : groups) {
    for (const auto& row : group.rows) {
      if (!row.help.empty()) names.push_back(row.name);
    }
  }
  return {fmt::format("unknown option \"{}\"{}", name, suggestion(name, names))};
}

// `arguments` without the program's name. --help, and -h where no row has it, ask for help.
template <class Options>
Result<CollectedArguments<Options>> collect_arguments(std::span<const ArgumentGroup<Options>> groups,
                                                      std::span<const std::string_view> arguments) {
  CollectedArguments<Options> found;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with("-")) {
      found.words.push_back(argument);
      continue;
    }
    const std::size_t equals = argument.starts_with("--") ? argument.find('=') : argument.npos;
    const std::string_view name = argument.substr(0, equals);
    const ArgumentRow<Options>* row = find_argument(groups, name);
    if (!row && (name == "--help" || name == "-h")) {
      found.help = true;
    } else if (!row) {
      return tl::unexpected(unknown_argument(groups, name));
    } else if (row->value.empty()) {
      if (equals != argument.npos) return fail(fmt::format("{} takes no value", row->name));
      found.given.push_back({row, {}});
    } else if (equals != argument.npos) {
      found.given.push_back({row, argument.substr(equals + 1)});
    } else if (++i < arguments.size()) {
      found.given.push_back({row, arguments[i]});
    } else {
      return fail(fmt::format("{} needs a value: {} {}", row->name, row->name, row->value));
    }
  }
  return found;
}

// The groups as --help shows them.
template <class Options>
std::string argument_help(std::span<const ArgumentGroup<Options>> groups) {
  std::string text;
  for (const auto& group : groups) {
    text += fmt::format("\n{}\n", group.title);
    for (const auto& row : group.rows) {
      if (row.help.empty()) continue;
      const std::string_view comma = row.short_name.empty() ? "" : ", ";
      text +=
          fmt::format("  {:<26} {}\n", fmt::format("{}{}{} {}", row.short_name, comma, row.name, row.value), row.help);
    }
  }
  return text;
}

// Takes a number within bounds into `out`.
template <class Number>
Result<void> take_number(Number& out, std::string_view text, Number low, Number high) {
  const auto value = parse_number<Number>(text, low, high);
  if (!value) return fail(fmt::format("needs a number from {} to {}, not \"{}\"", low, high, text));
  out = *value;
  return {};
}

}  // namespace martlet::tools
