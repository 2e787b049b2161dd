#include "tools/option_parser.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "tools/message_format.h"
#include "tools/option_table.h"
#include "tools/property_option.h"
#include "topic/filter.h"
#include "topic/name.h"
#include "wire/decode.h"

namespace martlet::tools {
namespace {

constexpr std::size_t kMaxOptionFileBytes = 1u << 20;

// The words of an options file: on each line an option, and its value as one word (each word for -D). Lines that begin
// with '#' are comments.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  const auto trim = [](std::string_view& line) {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
  };
  const auto take_word = [&](std::string_view& line) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
    trim(line);
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    trim(line);
    if (line.empty() || line.front() == '#') continue;
    take_word(line);
    const bool property = words.back() == "-D" || words.back() == "--property";
    if (property) {
      const std::size_t first = words.size();
      for (int i = 0; i < 2 && !line.empty(); ++i) take_word(line);
      if (words.size() == first + 2 && words.back() == "user-property" && !line.empty()) take_word(line);
    }
    if (!line.empty()) words.emplace_back(line);
  }
  return words;
}

class Parser {
 public:
  Parser(Tool tool, env::Files& files) : files_(files) { settings_.tool = tool; }

  Result<void> parse(std::span<const std::string_view> arguments, bool from_file) {
    while (!arguments.empty()) {
      const std::string_view name = arguments.front();
      arguments = arguments.subspan(1);
      const OptionRow* row = find_option(name, settings_.tool);
      if (!row) return unknown(name);
      if (!row->group) return fail(fmt::format("{}: {}", name, row->help));
      const std::size_t count = takes_property(*row) ? property_value_count(arguments) : row->argument ? 1 : 0;
      if (arguments.size() < count) return fail(fmt::format("{} needs {} behind it", name, row->argument));
      if (names_options_file(*row)) {
        if (from_file) return fail("-o: a file of options cannot name another one");
        if (auto read = parse_file(std::string(arguments.front())); !read) return read;
      } else if (auto applied = row->apply(settings_, arguments.first(count)); !applied) {
        return applied;
      }
      arguments = arguments.subspan(count);
    }
    return {};
  }

  Result<Settings> finish() {
    if (settings_.help) return std::move(settings_);
    for (const auto check : {&Parser::check_identity, &Parser::check_version, &Parser::check_topics,
                             &Parser::check_will, &Parser::check_tool}) {
      if (auto checked = (this->*check)(); !checked) return tl::unexpected(checked.error());
    }
    return std::move(settings_);
  }

 private:
  Result<void> unknown(std::string_view name) const {
    if (!name.starts_with('-')) return fail(fmt::format("'{}' is no option; if it is a value, quote it", name));
    const Tool other = settings_.tool == kPub ? kSub : kPub;
    if (const OptionRow* row = find_option(name, other); row && row->group) {
      return fail(fmt::format("{} is an option of martlet {}", name, other == kPub ? "pub" : "sub"));
    }
    const std::string_view nearest = nearest_option(name, settings_.tool);
    if (!nearest.empty()) return fail(fmt::format("unknown option {}; did you mean {}?", name, nearest));
    return fail(fmt::format("unknown option {}", name));
  }

  Result<void> parse_file(const std::string& path) {
    const auto text = files_.read_all(path, kMaxOptionFileBytes);
    if (!text) return fail(fmt::format("-o: {}", text.error().message));
    const std::vector<std::string> words = words_of(*text);
    const std::vector<std::string_view> views(words.begin(), words.end());
    auto parsed = parse(views, true);
    if (!parsed) return fail(fmt::format("{}: {}", path, parsed.error().message));
    return {};
  }

  Result<void> check_identity() {
    if (!settings_.client_id.empty() && settings_.client_id_prefix) return fail("-i and -I cannot be used together");
    if (!settings_.clean_start && settings_.client_id.empty()) {
      return fail("-c needs -i: without a fixed client identifier the session cannot be found again");
    }
    for (const std::string* text : {&settings_.client_id, &settings_.host}) {
      if (!wire::valid_text(*text)) return fail("an option is not valid UTF-8");
    }
    if (settings_.username && !wire::valid_text(*settings_.username)) return fail("-u: not valid UTF-8");
    return {};
  }

  Result<void> check_version() {
    using enum wire::ProtocolVersion;
    if (!settings_.version) settings_.version = settings_.needs_v5 ? v5_0 : v3_1_1;
    if (settings_.needs_v5 && *settings_.version != v5_0) {
      return fail(fmt::format("{} needs protocol version 5; use -V 5", settings_.needs_v5));
    }
    if (settings_.password && !settings_.username && *settings_.version != v5_0) {
      return fail("-P needs -u before version 5; add -u NAME or -V 5");  // [MQTT-3.1.2-22] of 3.1.1
    }
    if (!settings_.clean_start && !settings_.session_expiry_s) settings_.session_expiry_s = 0xFFFFFFFF;
    return {};
  }

  Result<void> check_filter(const char* option, const std::string& filter) {
    if (filter.size() > topic::kMaxTextBytes) return fail(fmt::format("{}: longer than 65535 bytes", option));
    const auto parsed = topic::parse_filter(filter);
    if (!parsed) return fail(fmt::format("{}: '{}': {}", option, filter, topic::to_text(parsed.error())));
    if (!wire::valid_text(filter)) return fail(fmt::format("{}: not valid UTF-8", option));
    return {};
  }

  Result<void> check_name(const char* option, const std::string& name) {
    const topic::Validity validity = topic::check_name(name);
    if (validity != topic::Validity::ok)
      return fail(fmt::format("{}: '{}': {}", option, name, topic::to_text(validity)));
    if (!wire::valid_text(name)) return fail(fmt::format("{}: not valid UTF-8", option));
    return {};
  }

  Result<void> check_topics() {
    if (settings_.tool == kPub) {
      if (settings_.topics.empty()) return fail("say where to publish: -t TOPIC");
      // The last one holds, as for every other option.
      settings_.topics.erase(settings_.topics.begin(), settings_.topics.end() - 1);
      return check_name("-t", settings_.topics[0]);
    }
    if (settings_.topics.empty() && settings_.unsubscribes.empty()) return fail("say what to subscribe to: -t FILTER");
    for (const auto& [option, filters] : {std::pair{"-t", &settings_.topics}, std::pair{"-T", &settings_.filtered_out},
                                          std::pair{"-U", &settings_.unsubscribes}}) {
      for (const std::string& filter : *filters) {
        if (auto checked = check_filter(option, filter); !checked) return checked;
      }
    }
    return {};
  }

  Result<void> check_will() {
    if (!settings_.will_topic) {
      if (settings_.has_will_option || !settings_.will_properties.empty()) {
        return fail("the will has no topic; add --will-topic TOPIC");
      }
      return {};
    }
    if (settings_.will_payload.size() > wire::kMaxTextBytes) return fail("--will-payload: longer than 65535 bytes");
    return check_name("--will-topic", *settings_.will_topic);
  }

  Result<void> check_tool() {
    if (settings_.tool == kPub) {
      if (settings_.source == MessageSource::none) {
        return fail("say what to send: -m TEXT, -f FILE, -s, -l or -n");
      }
      if (settings_.source == MessageSource::stdin_lines && settings_.repeat != 1) {
        return fail("--repeat cannot be used with -l");
      }
      return {};
    }
    if (settings_.skip_retained && settings_.retained_only) return fail("-R and --retained-only exclude each other");
    if (settings_.format) {
      const auto format = MessageFormat::parse(*settings_.format);
      if (!format) return tl::unexpected(format.error());
    }
    return {};
  }

  env::Files& files_;
  Settings settings_;
};

}  // namespace

Result<Settings> parse_options(Tool tool, std::span<const std::string_view> arguments, env::Files& files) {
  Parser parser(tool, files);
  auto parsed = parser.parse(arguments, false);
  if (!parsed) return tl::unexpected(parsed.error());
  return parser.finish();
}

}  // namespace martlet::tools
