#include "server/config/toml_reader.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "base/toml_text.h"

namespace martlet::server {
namespace {

WrittenValue written(const toml::node& node) {
  using Type = WrittenValue::Type;
  if (const auto* boolean = node.as_boolean()) return {Type::boolean, boolean->get() ? "true" : "false"};
  if (const auto* integer = node.as_integer()) return {Type::integer, fmt::format("{}", integer->get())};
  if (const auto* string = node.as_string()) return {Type::string, string->get()};
  if (node.is_floating_point()) return {Type::other, "a number with a fraction"};
  if (const auto* array = node.as_array();
      array && (array->empty() || array->is_homogeneous(toml::node_type::string))) {
    WrittenValue list{Type::list, "an array", {}};
    for (const toml::node& item : *array) list.items.push_back(item.as_string()->get());
    return list;
  }
  if (node.is_array()) return {Type::other, "an array"};
  if (node.is_table()) return {Type::other, "a table"};
  return {Type::other, "a date or time"};
}

class Flattener {
 public:
  std::vector<TomlEntry> entries;

  // `place` has the array and its table, and the name that the keys of `table` are below.
  void add_table(const toml::table& table, const TomlEntry& place) {
    for (const auto& [key, node] : table) {
      TomlEntry entry = place;
      if (!entry.name.empty()) entry.name += '.';
      entry.name += key.str();
      entry.line = key.source().begin.line;
      add(node, std::move(entry));
    }
  }

 private:
  void add(const toml::node& node, TomlEntry entry) {
    if (const auto* table = node.as_table()) {
      if (!table->empty()) return add_table(*table, entry);
      entry.value = written(node);
      return entries.push_back(std::move(entry));
    }
    const auto* array = node.as_array();
    const bool of_tables = array && !array->empty() && array->is_homogeneous(toml::node_type::table);
    if (!of_tables || !entry.array.empty()) {
      entry.value = written(node);
      return entries.push_back(std::move(entry));
    }
    for (const auto& element : *array) {
      TomlEntry place{entry.name, entry.table++, {}, written(element), element.source().begin.line};
      entries.push_back(place);
      add_table(*element.as_table(), place);
    }
  }
};

}  // namespace

Result<std::vector<TomlEntry>> read_toml(std::string_view text, std::string_view file_name) {
  if (const auto checked = check_toml_text(text, file_name); !checked) return tl::unexpected(checked.error());
  const toml::parse_result parsed =
      parse_toml_text(text, [](std::string_view checked_text) { return toml::parse(checked_text); });
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    Error fault = toml_fault(file_name, error.source().begin.line, error.description());
    // A word behind a word is how Mosquitto writes its options.
    const bool no_equals = error.description().find("expected '='") != std::string_view::npos;
    if (no_equals) fault.message += "; a file of Mosquitto is run with martlet broker --mosquitto-conf FILE";
    return tl::unexpected(std::move(fault));
  }
  Flattener flattener;
  flattener.add_table(parsed.table(), {});
  std::stable_sort(flattener.entries.begin(), flattener.entries.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return a.line < b.line; });
  return std::move(flattener.entries);
}

}  // namespace martlet::server
