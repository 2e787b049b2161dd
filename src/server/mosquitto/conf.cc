#include "server/mosquitto/conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/nearest.h"
#include "base/printable.h"
#include "server/mosquitto/keys.h"

namespace martlet::server::mosquitto {
namespace {

// Bounds for files that somebody else may have written.
constexpr std::size_t kMostLines = 10'000;
constexpr std::size_t kMostErrors = 100;
constexpr std::size_t kMostIncludedFiles = 1'000;

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// As Mosquitto sorts files: by letters, a capital one before the same small one.
bool comes_before(const std::string& one, const std::string& other) {
  const auto capital = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  const auto key = [&](char c) {
    return std::pair(static_cast<unsigned char>(capital(c)), static_cast<unsigned char>(c));
  };
  return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end(),
                                      [&](char a, char b) { return key(a) < key(b); });
}

class Reader {
 public:
  Reader(const Source& source, std::vector<std::string>& errors) : source_(source), errors_(errors) {}

  Conf conf;

  void read(const std::string& path, bool main) {
    const auto text = source_.read(path);
    if (!text) return errors_.push_back(text.error().message);
    // Each file begins at the default listener and without a bridge; the one that includes it goes on where it was.
    const auto outer = std::exchange(section_, Section{});
    std::string_view rest = *text;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (!add_line(path, number, rest.substr(0, end), main)) break;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    section_ = outer;
  }

 private:
  // False if there are too many, or it is none of Mosquitto's.
  bool add_line(const std::string& path, std::size_t number, std::string_view text, bool main) {
    text = trimmed(text);
    if (text.empty() || text.starts_with('#')) return true;
    const std::size_t blank = std::min(text.find_first_of(kBlanks), text.size());
    Line line{path, number, std::string(text.substr(0, blank)), std::string(trimmed(text.substr(blank)))};
    if (++lines_ > kMostLines || errors_.size() >= kMostErrors) {
      errors_.push_back(fmt::format("{}: this and what comes behind it is not looked at", line.place()));
      return false;
    }
    if (text.starts_with('[')) {
      errors_.push_back(
          fmt::format("{}: a table is no line of Mosquitto's: run a file of Martlet with martlet broker "
                      "--config FILE",
                      line.place()));
      return false;
    }
    const Key* key = find_key(line.key);
    if (!key) {
      errors_.push_back(fmt::format("{}: unknown option \"{}\"{}", line.place(), printable(line.key),
                                    suggestion(line.key, key_names())));
    } else if (line.value.empty()) {
      errors_.push_back(fmt::format("{}: {} has no value", line.place(), line.key));
    } else if (line.key == "include_dir") {
      include(line, main);
    } else {
      add(std::move(line), key->scope);
    }
    return true;
  }

  void add(Line line, Scope scope) {
    security_seen_ = security_seen_ || scope == Scope::security;
    if (line.key == "listener") {
      section_.listener = conf.listeners.size();
      conf.listeners.push_back({std::move(line), {}});
    } else if (line.key == "connection") {
      section_.bridge = conf.bridges.size();
      conf.bridges.push_back({std::move(line), {}});
    } else if (line.key == "per_listener_settings") {
      conf.per_listener_settings = line.value == "true" || line.value == "1";
      if (security_seen_) {
        errors_.push_back(fmt::format("{}: {} must come before all other security settings", line.place(), line.key));
      }
      conf.global.push_back(std::move(line));
    } else if (scope == Scope::bridge) {
      add_to_bridge(std::move(line));
    } else if (scope == Scope::plugin) {
      conf.plugins.push_back(std::move(line));
    } else if (line.key == "port" || line.key == "bind_address") {
      conf.default_listener.lines.push_back(std::move(line));
    } else if (scope == Scope::listener || (scope == Scope::security && conf.per_listener_settings)) {
      Listener& listener = section_.listener ? conf.listeners[*section_.listener] : conf.default_listener;
      listener.lines.push_back(std::move(line));
    } else {
      conf.global.push_back(std::move(line));
    }
  }

  void add_to_bridge(Line line) {
    if (!section_.bridge) {
      errors_.push_back(fmt::format("{}: {} belongs below a line `connection NAME`", line.place(), line.key));
      return;
    }
    conf.bridges[*section_.bridge].lines.push_back(std::move(line));
  }

  void include(const Line& line, bool main) {
    conf.global.push_back(line);
    if (!main) {
      errors_.push_back(fmt::format("{}: include_dir works in the main file only", line.place()));
      return;
    }
    auto names = source_.list ? source_.list(line.value) : fail("there are no directories here");
    if (!names) {
      const std::string_view hint = line.value.starts_with('/')
                                        ? ""
                                        : "; it counts from the working directory, as with Mosquitto, not from this "
                                          "file: run the command where Mosquitto is started, or write the whole path";
      return errors_.push_back(fmt::format("{}: include_dir: {}{}", line.place(), names.error().message, hint));
    }
    std::erase_if(*names, [](const std::string& name) { return !name.ends_with(".conf") || name == ".conf"; });
    std::sort(names->begin(), names->end(), comes_before);
    if (names->size() > kMostIncludedFiles) {
      errors_.push_back(fmt::format("{}: it has more than {} files", line.place(), kMostIncludedFiles));
      return;
    }
    for (const std::string& name : *names) read(fmt::format("{}/{}", line.value, name), false);
  }

  const Source& source_;
  std::vector<std::string>& errors_;
  std::size_t lines_ = 0;
  bool security_seen_ = false;
  // What the lines of a file belong to.
  struct Section {
    std::optional<std::size_t> listener;
    std::optional<std::size_t> bridge;
  };
  Section section_;
};

}  // namespace

std::string Line::place() const {
  return file.empty() ? std::string() : fmt::format("{}:{}", file, number);
}

Conf read_conf(const std::string& path, const Source& source, std::vector<std::string>& errors) {
  Reader reader(source, errors);
  reader.read(path, true);
  return std::move(reader.conf);
}

std::string shown_value(const Line& line) {
  const Key* key = find_key(line.key);
  // An option of a plugin may hold anything: the URL of a data base with its password, for one.
  const bool secret = !key || key->secret || key->name.ends_with('_');
  return secret ? "..." : printable(line.value);
}

}  // namespace martlet::server::mosquitto
