// A mosquitto.conf on hostile bytes: what is read is translated into a configuration that Martlet's own reader takes,
// and every line is in the report. A NUL byte begins the text of an included file.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "server/config/complete.h"
#include "server/mosquitto/translate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace martlet;
  using namespace martlet::server;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = text.find('\0');
  const std::string main(text.substr(0, cut));
  const std::string included(cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1));
  const mosquitto::Source source{
      [&](const std::string& path) -> Result<std::string> { return path == "m.conf" ? main : included; },
      [](const std::string&) -> Result<std::vector<std::string>> {
        return std::vector<std::string>{"b.conf", "a.conf"};
      }};
  const mosquitto::Translation translation = mosquitto::translate_file("m.conf", source, {});
  static_cast<void>(mosquitto::report_text(translation));
  static_cast<void>(mosquitto::report_json(translation));
  ServerConfig config;
  const ConfigErrors errors = mosquitto::apply_translation(config, translation);
  // Texts that are not UTF-8 are no TOML; all else is written as the reader wants it.
  for (const std::string& error : errors) {
    check(error.find("unknown option") == std::string::npos || !translation.errors.empty(),
          "only known options are set");
  }
  if (errors.empty()) static_cast<void>(complete_config(config));
  return 0;
}
