// From a mosquitto.conf to a configuration of Martlet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/load.h"
#include "server/mosquitto/conf.h"
#include "server/mosquitto/translation.h"

namespace martlet::server::mosquitto {

// `ports`: of Mosquitto's -p, which count only where the file has no listener.
Translation translate(const Conf& conf, const std::vector<std::uint16_t>& ports);

// Reads `path` and translates it. Errors of the file are in the translation.
Translation translate_file(const std::string& path, const Source& source, const std::vector<std::uint16_t>& ports);

// Sets `config` to what the translation says. Errors name the lines of mosquitto.conf.
ConfigErrors apply_translation(ServerConfig& config, const Translation& translation);

// For people, a line each, the kept ones last; and as JSON.
std::string report_text(const Translation& translation);
std::string report_json(const Translation& translation);
bool has_no_equal(const Translation& translation);

std::string_view to_text(Fate fate);

}  // namespace martlet::server::mosquitto
