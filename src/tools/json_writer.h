// Writes JSON in the spelling of mosquitto_sub: keys in the order of the calls, doubled keys allowed, tabs if pretty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::tools {

// Appends `text` in quotes. What is not UTF-8 stays as it is.
void append_json_text(std::string& out, std::string_view text);

class JsonWriter {
 public:
  // Appends to `out`, which must outlive the writer.
  JsonWriter(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  // Inside an object, before each value.
  void key(std::string_view name);

  void text(std::string_view value);
  void number(std::int64_t value);
  void number(std::uint64_t value);
  void number(double value);
  void boolean(bool value);
  void null();

 private:
  struct Level {
    bool array;
    bool empty = true;
  };
  void before_value();
  void new_line(std::size_t depth);

  std::string& out_;
  bool pretty_;
  std::vector<Level> levels_;
};

}  // namespace martlet::tools
