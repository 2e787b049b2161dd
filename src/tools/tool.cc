#include "tools/tool.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "env/endpoint.h"
#include "tools/client_settings.h"
#include "tools/option_parser.h"
#include "tools/option_table.h"
#include "tools/packet_text.h"

namespace martlet::tools {

using wire::PropertyId;
using wire::ReasonCode;

namespace {

// What the user can do about a refused connection.
const char* advice(ReasonCode reason) {
  using enum ReasonCode;
  switch (reason) {
    case bad_user_name_or_password:
      return "; check -u and -P";
    case not_authorized:
      return "; check -u, -P and the broker's access rules";
    case client_identifier_not_valid:
      return "; choose another -i";
    case unsupported_protocol_version:
      return "; choose another -V";
    default:
      return "";
  }
}

std::string explanation(const wire::Properties& properties) {
  std::string text;
  if (const auto reason = properties.text(PropertyId::reason_string)) text += fmt::format(": {}", *reason);
  if (const auto other = properties.text(PropertyId::server_reference))
    text += fmt::format("; use the server {}", *other);
  return text;
}

}  // namespace

ToolProcess::ToolProcess(Console& console, const Settings& settings) : console_(console), settings_(settings) {}

Result<void> ToolProcess::open() {
  auto network = env::posix::make_network();
  if (!network) return tl::unexpected(network.error());
  network_ = std::move(*network);
  auto signals = env::posix::make_signals();
  if (!signals) return tl::unexpected(signals.error());
  signals_ = std::move(*signals);
  const std::uint64_t random = console_.entropy->seed();
  client_ =
      std::make_unique<client::Client>(*network_, *console_.clock, random, client_options(settings_, random), *this);
  if (settings_.debug) client_->set_trace(this);
  return client_->watch(signals_->handle(), kSignalToken);
}

int ToolProcess::run() {
  if (auto opened = open(); !opened) {
    complain(opened.error().message);
    return kExitFailed;
  }
  client_->start();
  while (!client_->finished()) {
    const DeadlineMs wake_at = before_turn();
    if (!client_->finished()) client_->turn(wake_at);
  }
  return exit_code_;
}

void ToolProcess::stop() {
  client_->stop(wire::Disconnect{ReasonCode::success, settings_.disconnect_properties.properties()});
}

void ToolProcess::fail_with(int exit_code) {
  exit_code_ = exit_code;
  stop();
}

void ToolProcess::complain(std::string_view line) {
  if (!settings_.quiet) console_.error(fmt::format("martlet: {}\n", line));
}

std::string ToolProcess::broker_text() const {
  return env::to_text(client_->options().server);
}

std::string ToolProcess::retry_text(DeadlineMs retry_at) {
  if (retry_at == kNever) return {};
  return fmt::format("; trying again in {:.1f} s", static_cast<double>(retry_at - client_->now().mono_ms) / 1000);
}

void ToolProcess::refused(const wire::Connack& connack, DeadlineMs retry_at) {
  complain(fmt::format("{} refused the connection: {} (0x{:02X}){}{}{}", broker_text(),
                       wire::reason_text(connack.reason), static_cast<unsigned>(connack.reason),
                       explanation(connack.properties), advice(connack.reason), retry_text(retry_at)));
  if (retry_at == kNever) exit_code_ = kExitFailed;
}

void ToolProcess::lost(const client::Loss& loss) {
  using enum client::LossCause;
  std::string what;
  switch (loss.cause) {
    case connect_failed:
      what = fmt::format("cannot connect to {}: {}{}", broker_text(), loss.text,
                         loss.retry_at == kNever ? "; check -h and -p, and that the broker runs" : "");
      break;
    case connection_lost:
      what = fmt::format("lost the connection to {}: {}", broker_text(), loss.text);
      break;
    case server_disconnect:
      what = fmt::format("{} disconnected: {} (0x{:02X}){}{}{}{}", broker_text(),
                         wire::reason_text(loss.reason, wire::PacketType::disconnect),
                         static_cast<unsigned>(loss.reason), loss.text.empty() ? "" : ": ", loss.text,
                         loss.server_reference.empty() ? "" : "; use the server ", loss.server_reference);
      break;
    case server_silent:
      what = fmt::format("{} does not answer: {}", broker_text(), loss.text);
      break;
    case protocol_breach:
      what = fmt::format("{} broke the protocol: {}", broker_text(), loss.text);
      break;
  }
  complain(what + retry_text(loss.retry_at));
  if (loss.retry_at == kNever) exit_code_ = kExitFailed;
}

void ToolProcess::external_ready(std::uint32_t token) {
  if (token != kSignalToken) return;
  while (const auto signal = signals_->next()) {
    if (*signal != env::Signal::dump) interrupted();
  }
}

void ToolProcess::sent(const wire::Packet& packet) {
  console_.error(fmt::format("Client {} sending {}\n", client_->options().client_id, packet_text(packet)));
}

void ToolProcess::received(const wire::Packet& packet) {
  console_.error(fmt::format("Client {} received {}\n", client_->options().client_id, packet_text(packet)));
}

int tool_main(Tool tool, int argc, char** argv, int (*run)(Console& console, const Settings& settings)) {
  Console console;
  const std::vector<std::string_view> arguments(argv + std::min(argc, 1), argv + argc);
  const auto settings = parse_options(tool, arguments, *console.files);
  const char* name = tool == kPub ? "pub" : "sub";
  if (!settings) {
    console.error(fmt::format("martlet {}: {}\nTry 'martlet {} --help'.\n", name, settings.error().message, name));
    return kExitUsage;
  }
  if (settings->help) return console.write(env::Handle::standard_output, help_text(tool)) ? kExitDone : kExitFailed;
  return run(console, *settings);
}

}  // namespace martlet::tools
