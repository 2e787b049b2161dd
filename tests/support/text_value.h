// Values in scenario lines: numbers, text, bytes, pairs, lists, and what an expectation may put in their place.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::test {

// A line that cannot be read. The runner adds file and line.
struct TextError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Value {
  enum class Kind : std::uint8_t {
    number,
    bytes,    // text or hex:
    word,     // a bare name, such as a reason
    pair,     // "name":"value"
    list,     // 1,2,0x80
    range,    // low..high, both included; expectations only
    any,      // *; expectations only
    none,     // the field must be absent; expectations only
    capture,  // $name that is not bound yet; expectations only
  };
  Kind kind = Kind::none;
  std::uint64_t number = 0;  // range: low
  std::uint64_t high = 0;
  std::string bytes;   // bytes, word; pair: the name; capture: the variable
  std::string second;  // pair: the value
  std::vector<Value> list;

  static Value of_number(std::uint64_t number);
  static Value of_bytes(std::string_view bytes);
  static Value of_pair(std::string_view name, std::string_view value);
  bool operator==(const Value&) const = default;
};

// As a scenario line would spell it; long ones are shortened.
std::string to_text(const Value& value);

using Variables = std::map<std::string, Value, std::less<>>;

struct Field {
  std::string name;
  Value value;
};

// Reads one line from left to right. Variables that are bound are replaced at once.
class LineReader {
 public:
  LineReader(std::string_view line, const Variables& variables) : rest_(line), variables_(variables) {}

  bool at_end();
  // The next run of characters without a space. TextError at the end.
  std::string word();
  // The next word without taking it; empty at the end.
  std::string peek();
  // NAME=VALUE.
  Field field();
  Value value();
  // All that is left, without spaces at the ends.
  std::string rest();

 private:
  void skip_spaces();
  bool take(std::string_view text);
  Value sum();
  Value term();
  Value number_or_repeat();
  std::string text_literal();
  std::string hex_literal();
  std::string name();

  std::string_view rest_;
  const Variables& variables_;
};

// "30 02 'ab' ff" and 3*"x" to bytes: hexadecimal pairs and values.
std::string raw_bytes(std::string_view line, const Variables& variables);

// Cuts a comment, which starts with # outside of quotes, and spaces at the ends.
std::string_view without_comment(std::string_view line);

}  // namespace martlet::test
