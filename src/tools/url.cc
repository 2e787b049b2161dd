#include "tools/url.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "env/endpoint.h"

namespace martlet::tools {
namespace {

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size()) {
      const char* end = text.data() + i + 3;
      if (std::from_chars(text.data() + i + 1, end, value, 16).ptr == end) {
        decoded += static_cast<char>(value);
        i += 2;
        continue;
      }
    }
    decoded += text[i];
  }
  return decoded;
}

}  // namespace

Result<void> apply_url(Settings& settings, std::string_view url) {
  constexpr std::string_view kScheme = "mqtt://";
  if (!url.starts_with(kScheme)) {
    for (const std::string_view scheme : {"mqtts://", "ws://", "wss://"}) {
      if (url.starts_with(scheme)) {
        return fail(fmt::format("-L: {} is not supported yet; use mqtt://host:port/topic", scheme));
      }
    }
    return fail(fmt::format("-L: '{}' must look like mqtt://user:password@host:port/topic", url));
  }
  const std::string_view rest = url.substr(kScheme.size());
  std::string_view authority = rest;
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    authority = rest.substr(0, slash);
    if (slash + 1 < rest.size()) settings.topics.emplace_back(rest.substr(slash + 1));
  }
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    authority = authority.substr(at + 1);
    const std::size_t colon = user.find(':');
    settings.username = percent_decode(user.substr(0, colon));
    if (colon != std::string_view::npos) settings.password = percent_decode(user.substr(colon + 1));
  }
  const auto endpoint = env::parse_endpoint(authority, 1883);
  if (!endpoint || endpoint->host.empty()) {
    return fail(fmt::format("-L: '{}' has no valid host and port; use mqtt://user:password@host:port/topic", url));
  }
  settings.host = endpoint->host;
  settings.port = endpoint->port;
  return {};
}

}  // namespace martlet::tools
