// Every option of `martlet pub` and `martlet sub` as one table: it drives parsing, --help and the test of
// docs/tools.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/settings.h"

namespace martlet::tools {

struct OptionRow {
  const char* short_name;  // "-h", or nullptr
  const char* long_name;   // "--host", or nullptr
  const char* argument;    // what --help calls the value: "HOST"; nullptr: it takes none
  unsigned tools;          // kPub, kSub or kBoth
  const char* group;       // heading in --help; nullptr: not supported, `help` says what to do instead
  const char* help;
  // Takes the value (empty span if there is none) into the settings. nullptr only if not supported.
  Result<void> (*apply)(Settings&, Values);

  const char* name() const { return long_name ? long_name : short_name; }
};

std::span<const OptionRow> option_table();

// The row that `name` ("-h", "--host") names for `tool`, or nullptr.
const OptionRow* find_option(std::string_view name, Tool tool);
// The valid name nearest to a misspelt one, or empty.
std::string_view nearest_option(std::string_view name, Tool tool);

// True for the one option that takes three or four values.
bool takes_property(const OptionRow& row);
// True for the one whose value is a file of more options: the parser reads it.
bool names_options_file(const OptionRow& row);

// The whole of --help.
std::string help_text(Tool tool);

}  // namespace martlet::tools
