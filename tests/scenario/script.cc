#include "tests/scenario/script.h"

#include <fmt/format.h>

#include "tests/support/option_table.h"
#include "tests/support/text_value.h"

namespace martlet::scenario {
namespace {

using test::TextError;

class ScriptParser {
 public:
  ScriptParser(std::string path, std::string_view text) : text_(text) { script_.path = std::move(path); }

  Script parse() {
    // Small numbers, so that files need not say them: the broker's own topics only where they are asked for.
    script_.options.sys_interval_s = 0;
    script_.options.durability.announce = false;
    script_.options.random_seed = 7;
    parse_block(script_.steps, false);
    if (script_.title.empty())
      throw TextError(fmt::format("{}:1: the first line is a comment that says what is shown", script_.path));
    return std::move(script_);
  }

 private:
  void parse_block(std::vector<Step>& steps, bool inner) {
    while (!text_.empty()) {
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      const std::string_view whole = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++line_;
      if (line_ == 1 && whole.starts_with("# ")) script_.title = whole.substr(2);
      std::string_view line = test::without_comment(whole);
      if (line.empty()) continue;
      if (line == "}") {
        if (!inner) fail("'}' without a block");
        return;
      }
      if (!inner && head_line(line)) continue;
      Step step;
      step.line = line_;
      step.has_block = line.ends_with("{");
      if (step.has_block) line.remove_suffix(1);
      step.text = test::without_comment(line);
      if (step.has_block) parse_block(step.block, true);
      steps.push_back(std::move(step));
    }
    if (inner) fail("a block is not closed");
  }

  bool head_line(std::string_view line) {
    static const test::Variables kNone;
    test::LineReader in(line, kNone);
    const std::string word = in.word();
    if (word == "covers") {
      while (!in.at_end()) script_.covers.push_back(in.word());
      return true;
    }
    if (word == "only") {
      script_.only = in.word();
      if (script_.only.ends_with(":")) script_.only.pop_back();
      if (script_.only != "memory" && script_.only != "sockets") fail("only memory: REASON, or only sockets: REASON");
      if (in.at_end()) fail("say why it runs at one height only");
      return true;
    }
    if (word != "set") return false;
    if (!script_.steps.empty()) fail("options are set before the first step");
    try {
      const test::Field field = in.field();
      test::set_option(script_.options, field.name, field.value);
    } catch (const TextError& error) {
      fail(error.what());
    }
    return true;
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw TextError(fmt::format("{}:{}: {}", script_.path, line_, what));
  }

  Script script_;
  std::string_view text_;
  int line_ = 0;
};

}  // namespace

Script parse_script(std::string path, std::string_view text) {
  return ScriptParser(std::move(path), text).parse();
}

}  // namespace martlet::scenario
