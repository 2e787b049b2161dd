#include "server/mosquitto/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/printable.h"
#include "server/mosquitto/work.h"

namespace martlet::server::mosquitto {
namespace {

constexpr std::string_view kTranslatedName = "translation";

// "mosquitto.conf:12" for "translation:7".
std::string original_place(const Translation& translation, std::string_view place) {
  std::size_t number = 0;
  const std::string_view digits = place.substr(std::min(place.size(), kTranslatedName.size() + 1));
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool known = number > 0 && number <= translation.origins.size() && !translation.origins[number - 1].empty();
  return known ? translation.origins[number - 1] : std::string("mosquitto.conf");
}

// What a plugin was for, by its file's name.
std::string_view replacement_of(std::string_view plugin) {
  struct Known {
    std::string_view part;
    std::string_view note;
  };
  constexpr Known kKnown[] = {
      {"dynamic_security",
       "users go into [[authentication]] kind = \"file\" (martlet passwd), roles into "
       "[[authorization]] kind = \"rules\""},
      {"go-auth",
       "its back ends have equals: files, jwt, http, postgresql, redis and ldap in [[authentication]], files "
       "and http in [[authorization]]"},
      {"auth-plug", "its back ends have equals: files, jwt, http, postgresql, redis and ldap in [[authentication]]"},
      {"password_file", "[[authentication]] kind = \"file\""},
      {"password-file", "[[authentication]] kind = \"file\""},
      {"acl_file", "[[authorization]] kind = \"mosquitto\""},
      {"acl-file", "[[authorization]] kind = \"mosquitto\""},
      {"persist", "server.data_dir keeps sessions and messages"},
      {"sparkplug", "there is no equal"},
  };
  for (const Known& known : kKnown) {
    if (plugin.find(known.part) != std::string_view::npos) return known.note;
  }
  return {};
}

}  // namespace

ReportLine& Work::tell(const Line& line) {
  const Key* key = find_key(line.key);
  report.push_back({line.place(), line.key, shown_value(line), key ? key->fate : Fate::no_equal,
                    std::string(key ? key->note : std::string_view())});
  return report.back();
}

void Work::error(const Line& line, std::string_view what) {
  errors.push_back(fmt::format("{}: {} {}", line.place(), line.key, what));
}

std::optional<bool> Work::flag(const Line& line) {
  std::string value = line.value;
  std::transform(value.begin(), value.end(), value.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  error(line, "must be true or false");
  return std::nullopt;
}

std::optional<std::int64_t> Work::number(const Line& line, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  const char* end = line.value.data() + line.value.size();
  const auto [stop, code] = std::from_chars(line.value.data(), end, value);
  if (code == std::errc() && stop == end && value >= min && value <= max) return value;
  error(line, fmt::format("must be a whole number from {} to {}", min, max));
  return std::nullopt;
}

void tell_plugins_and_bridges(Work& work) {
  for (const Line& line : work.conf.plugins) {
    ReportLine& told = work.tell(line);
    if (const std::string_view note = replacement_of(line.value); !note.empty() && !line.key.ends_with('_')) {
      told.note = note;
    }
  }
  for (const Bridge& bridge : work.conf.bridges) {
    work.tell(bridge.opening);
    for (const Line& line : bridge.lines) work.tell(line);
  }
}

Translation translate(const Conf& conf, const std::vector<std::uint16_t>& ports) {
  Work work{.conf = conf, .ports = ports};
  translate_global(work);
  translate_listeners(work);
  tell_plugins_and_bridges(work);
  Translation translation;
  translation.toml = work.toml.text(
      "Made from a mosquitto.conf. What Mosquitto does otherwise than Martlet by default is\n"
      "written out; lines with a remark are not quite what they were.",
      translation.origins);
  translation.report = std::move(work.report);
  translation.errors = std::move(work.errors);
  return translation;
}

Translation translate_file(const std::string& path, const Source& source, const std::vector<std::uint16_t>& ports) {
  std::vector<std::string> errors;
  const Conf conf = read_conf(path, source, errors);
  Translation translation = translate(conf, ports);
  translation.errors.insert(translation.errors.begin(), errors.begin(), errors.end());
  return translation;
}

ConfigErrors apply_translation(ServerConfig& config, const Translation& translation) {
  if (!translation.errors.empty()) return translation.errors;
  ConfigErrors errors = apply_toml(config, translation.toml, kTranslatedName);
  for (std::string& error : errors) {
    const std::size_t end = error.find(": ");
    if (!error.starts_with(kTranslatedName) || end == std::string::npos) continue;
    error = original_place(translation, std::string_view(error).substr(0, end)) + error.substr(end);
  }
  for (auto& [name, place] : config.places) place = original_place(translation, place);
  return errors;
}

std::string_view to_text(Fate fate) {
  switch (fate) {
    case Fate::kept:
      return "kept";
    case Fate::changed:
      return "changed";
    case Fate::no_equal:
      break;
  }
  return "no equal";
}

std::string report_text(const Translation& translation) {
  std::string out;
  for (const Fate fate : {Fate::no_equal, Fate::changed, Fate::kept}) {
    for (const ReportLine& line : translation.report) {
      if (line.fate != fate) continue;
      fmt::format_to(std::back_inserter(out), "{:<9} {}: {} {}: {}\n", to_text(fate), line.place, line.key, line.value,
                     line.note);
    }
  }
  return out;
}

std::string report_json(const Translation& translation) {
  std::string out = "{\"lines\":[";
  const auto add = [&](std::string_view name, std::string_view text, std::string_view end) {
    fmt::format_to(std::back_inserter(out), "\"{}\":\"", name);
    append_json_string(out, text, kAllChars);
    fmt::format_to(std::back_inserter(out), "\"{}", end);
  };
  bool first = true;
  for (const ReportLine& line : translation.report) {
    out += first ? "{" : ",{";
    first = false;
    add("place", line.place, ",");
    add("key", line.key, ",");
    add("value", line.value, ",");
    add("fate", to_text(line.fate), ",");
    add("note", line.note, "}");
  }
  out += "],\"errors\":[";
  for (const std::string& error : translation.errors) {
    out += &error == translation.errors.data() ? "\"" : ",\"";
    append_json_string(out, error, kAllChars);
    out += '"';
  }
  return out + "]}\n";
}

bool has_no_equal(const Translation& translation) {
  return std::any_of(translation.report.begin(), translation.report.end(),
                     [](const ReportLine& line) { return line.fate == Fate::no_equal; });
}

}  // namespace martlet::server::mosquitto
