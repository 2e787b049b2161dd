// One line of named values, as text for people or as a JSON object. Values from strangers are made safe to show.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace martlet::server {

class LineWriter {
 public:
  // `full`: long values are not cut.
  LineWriter(bool json, bool full) : json_(json), full_(full) {}

  // A line begins anew with the name of what it describes: `log ...` or {"table":"log",...}.
  void begin(std::string_view table);
  // The line, with its line feed. It lives until begin().
  std::string_view end();

  // Text in quotes. In JSON, bytes that are no text come as NAME_hex.
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  // Nothing if there are none.
  void numbers(std::string_view name, std::span<const std::uint32_t> values);
  // `word` is plain text of ours, shown without quotes.
  void word(std::string_view name, std::string_view word);
  // Shown only if it is set.
  void flag(std::string_view name, bool set);
  // Unix milliseconds, shown in UTC; 0 is left out.
  void time(std::string_view name, std::int64_t wall_ms);

  // A list of groups of values.
  void begin_list(std::string_view name);
  void begin_item();
  void end_item();
  void end_list();

 private:
  void name(std::string_view name);

  const bool json_;
  const bool full_;
  bool first_ = true;       // of the values in the line or item
  bool first_item_ = true;  // of the list
  std::string line_;
};

}  // namespace martlet::server
