#include "server/mosquitto/toml_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::server::mosquitto {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    out += quoted(text);
  }
  return out + ']';
}

void TomlWriter::put(Table& table, std::string_view key, Value value) {
  const auto found =
      std::find_if(table.entries.begin(), table.entries.end(), [&](const Entry& entry) { return entry.key == key; });
  if (found != table.entries.end()) {
    found->value = std::move(value);
  } else {
    table.entries.push_back({std::string(key), std::move(value)});
  }
}

void TomlWriter::set(std::string_view option, Value value) {
  const std::size_t dot = option.find('.');
  const std::string heading = fmt::format("[{}]", option.substr(0, dot));
  auto section =
      std::find_if(sections_.begin(), sections_.end(), [&](const Table& table) { return table.heading == heading; });
  if (section == sections_.end()) section = sections_.insert(section, Table{heading, {}, {}});
  put(*section, option.substr(dot + 1), std::move(value));
}

bool TomlWriter::has(std::string_view option) const {
  const std::size_t dot = option.find('.');
  const std::string heading = fmt::format("[{}]", option.substr(0, dot));
  return std::any_of(sections_.begin(), sections_.end(), [&](const Table& table) {
    const auto is_it = [&](const Entry& entry) { return entry.key == option.substr(dot + 1); };
    return table.heading == heading && std::any_of(table.entries.begin(), table.entries.end(), is_it);
  });
}

std::size_t TomlWriter::add_table(std::string_view array, std::string origin) {
  tables_.push_back({fmt::format("[[{}]]", array), std::move(origin), {}});
  return tables_.size() - 1;
}

void TomlWriter::set(std::size_t table, std::string_view key, Value value) {
  put(tables_[table], key, std::move(value));
}

std::string TomlWriter::text(std::string_view head, std::vector<std::string>& origins) const {
  std::string out;
  const auto add = [&](std::string_view line, const std::string& origin) {
    out += line;
    out += '\n';
    origins.push_back(origin);
  };
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    add(fmt::format("# {}", head.substr(0, end)), {});
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  for (const std::vector<Table>* tables : {&sections_, &tables_}) {
    for (const Table& table : *tables) {
      if (!out.empty()) add("", {});
      add(table.heading, table.origin);
      for (const Entry& entry : table.entries) {
        const Value& value = entry.value;
        add(fmt::format("{} = {}{}{}", entry.key, value.toml, value.comment.empty() ? "" : "  # ", value.comment),
            value.origin);
      }
    }
  }
  return out;
}

}  // namespace martlet::server::mosquitto
