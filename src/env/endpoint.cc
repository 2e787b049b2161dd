#include "env/endpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace martlet::env {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

std::string_view unix_path(const Endpoint& endpoint) {
  const std::string_view host = endpoint.host;
  return host.starts_with(kUnixPrefix) ? host.substr(kUnixPrefix.size()) : std::string_view();
}

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
  if (text.starts_with(kUnixPrefix)) {
    if (text == kUnixPrefix) return fail("'unix:' lacks the socket's path: write unix:/run/broker.sock");
    return Endpoint{std::string(text), 0};
  }
  std::string_view host = text;
  std::string_view port_text;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return fail(fmt::format("'{}': the bracket is not closed", text));
    host = text.substr(1, bracket - 1);
    const std::string_view rest = text.substr(bracket + 1);
    if (!rest.empty() && rest.front() != ':') {
      return fail(fmt::format("'{}': after the address comes ':' and a port", text));
    }
    has_port = !rest.empty();
    if (has_port) port_text = rest.substr(1);
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    host = text.substr(0, colon);
    port_text = text.substr(colon + 1);
    has_port = true;
  }
  if (host.empty() && !has_port) return fail(fmt::format("'{}' names no host; write HOST:PORT", text));
  if (!has_port) return Endpoint{std::string(host), default_port};
  const std::optional<std::uint16_t> port = parse_port(port_text);
  if (!port) return fail(fmt::format("'{}': the port '{}' is not a number from 0 to 65535", text, port_text));
  return Endpoint{std::string(host), *port};
}

std::string to_text(const Endpoint& endpoint) {
  if (!unix_path(endpoint).empty()) return endpoint.host;
  if (endpoint.host.empty()) return fmt::format("*:{}", endpoint.port);
  if (endpoint.host.find(':') != std::string::npos) return fmt::format("[{}]:{}", endpoint.host, endpoint.port);
  return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

}  // namespace martlet::env
