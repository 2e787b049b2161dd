// A configuration of Martlet as a person would write it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::server::mosquitto {

// `text` as a TOML string, and several as an array.
std::string quoted(std::string_view text);
std::string quoted(const std::vector<std::string>& texts);

class TomlWriter {
 public:
  struct Value {
    std::string toml;     // as the file has it
    std::string origin;   // which line of what is translated asks for it: "mosquitto.conf:12"; may be empty
    std::string comment;  // one line behind it; may be empty
  };

  // Sets "section.key"; a second time, the value is another one.
  void set(std::string_view option, Value value);
  // Whether "section.key" is set.
  bool has(std::string_view option) const;
  // Adds a table [[array]], and returns what set() calls it; `origin` as above.
  std::size_t add_table(std::string_view array, std::string origin);
  void set(std::size_t table, std::string_view key, Value value);

  // The file: `head`, lines of comment; then sections and arrays, each in the order in which they were first named.
  // `origins` gets an entry for each of its lines.
  std::string text(std::string_view head, std::vector<std::string>& origins) const;

 private:
  struct Entry {
    std::string key;
    Value value;
  };
  struct Table {
    std::string heading;  // "[limits]" or "[[listener]]"
    std::string origin;
    std::vector<Entry> entries;
  };

  static void put(Table& table, std::string_view key, Value value);

  std::vector<Table> sections_;
  std::vector<Table> tables_;  // of arrays
};

}  // namespace martlet::server::mosquitto
