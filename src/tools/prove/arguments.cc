#include "tools/prove/arguments.h"

#include <fmt/format.h>

#include <cmath>

#include "tools/argument_table.h"
#include "tools/prove/payload.h"

namespace martlet::tools::prove {
namespace {

using Option = ArgumentRow<ProveOptions>;
using Group = ArgumentGroup<ProveOptions>;

constexpr double kMostSeconds = 7 * 86'400;

Result<void> set_host(ProveOptions& options, std::string_view text) {
  auto endpoint = env::parse_endpoint(text, options.broker.port);
  if (!endpoint) return tl::unexpected(endpoint.error());
  options.broker = std::move(*endpoint);
  return {};
}

Result<void> set_version(ProveOptions& options, std::string_view text) {
  if (text == "5" || text == "5.0") {
    options.version = wire::ProtocolVersion::v5_0;
  } else if (text == "311" || text == "3.1.1") {
    options.version = wire::ProtocolVersion::v3_1_1;
  } else {
    return fail(fmt::format("needs 5 or 311, not \"{}\"", text));
  }
  return {};
}

Result<void> set_qos(ProveOptions& options, std::string_view text) {
  if (text == "1") {
    options.qos = QosChoice::one;
  } else if (text == "2") {
    options.qos = QosChoice::two;
  } else if (text == "mix") {
    options.qos = QosChoice::mix;
  } else {
    return fail(fmt::format("needs 1, 2 or mix, not \"{}\"", text));
  }
  return {};
}

Result<void> set_topic(ProveOptions& options, std::string_view text) {
  if (text.empty() || text.size() > 1000 || text.find_first_of("+#$") != text.npos) {
    return fail("needs 1 to 1000 characters without +, # and $");
  }
  options.topic = text;
  return {};
}

Result<void> set_restart_every(ProveOptions& options, std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto least = parse_duration_ms(text.substr(0, dots));
  const auto most = dots == text.npos ? least : parse_duration_ms(text.substr(dots + 2));
  if (!least || !most || *least > *most) {
    return fail(fmt::format("needs a time or a range of times, 0.5s..2s for example, not \"{}\"", text));
  }
  options.restart_least_ms = *least;
  options.restart_most_ms = *most;
  return {};
}

template <class Take>
Result<void> take_duration(std::string_view text, Take&& take) {
  const auto ms = parse_duration_ms(text);
  if (!ms) return tl::unexpected(ms.error());
  take(*ms);
  return {};
}

constexpr Option kConnectionOptions[] = {
    {"--host", "HOST[:PORT]", "the broker (127.0.0.1:1883)", set_host, "-h"},
    {"--port", "PORT", "its port, if not in --host",
     [](ProveOptions& o, std::string_view v) { return take_number<std::uint16_t>(o.broker.port, v, 1, 65'535); }, "-p"},
    {"--protocol-version", "VERSION", "5 or 311 (5)", set_version, "-V"},
    {"--username", "NAME", "user name of every connection",
     [](ProveOptions& o, std::string_view v) -> Result<void> { return o.username = v, Result<void>(); }, "-u"},
    {"--pw", "TEXT", "password of every connection",
     [](ProveOptions& o, std::string_view v) -> Result<void> { return o.password = v, Result<void>(); }, "-P"},
};

constexpr Option kLoadOptions[] = {
    {"--publishers", "N", "publishing clients (4)",
     [](ProveOptions& o, std::string_view v) { return take_number(o.publishers, v, 1u, 500u); }},
    {"--subscribers", "N", "subscribing clients; each gets every message (4)",
     [](ProveOptions& o, std::string_view v) { return take_number(o.subscribers, v, 1u, 500u); }},
    {"--offline", "N", "subscribers that are away: half come only at the end, half now and then (2)",
     [](ProveOptions& o, std::string_view v) { return take_number(o.offline, v, 0u, 500u); }},
    {"--qos", "QOS", "1, 2 or mix (mix)", set_qos, "-q"},
    {"--payload", "BYTES", "payload size, at least 40 (64)",
     [](ProveOptions& o, std::string_view v) {
       return take_number<std::size_t>(o.payload_bytes, v, kLeastPayloadBytes, 100'000'000);
     }},
    {"--window", "N", "unacknowledged messages per publisher (20)",
     [](ProveOptions& o, std::string_view v) { return take_number(o.window, v, 1u, 10'000u); }},
    {"--rate", "PER_SECOND", "messages of all publishers; 0: flat out (1000)",
     [](ProveOptions& o, std::string_view v) { return take_number(o.rate_per_s, v, 0.0, 10e6); }},
    {"--messages", "N", "stop publishing after so many",
     [](ProveOptions& o, std::string_view v) {
       return take_number<std::uint64_t>(o.messages, v, 1, 1'000'000'000'000);
     }},
    {"--duration", "TIME", "stop publishing after it (the last restart; without restarts 10s)",
     [](ProveOptions& o, std::string_view v) { return take_duration(v, [&](std::int64_t ms) { o.for_ms = ms; }); }},
    {"--topic", "PREFIX", "first levels of all topics (new ones each run)", set_topic, "-t"},
};

constexpr Option kRunOptions[] = {
    {"--restart-command", "CMD", "run with sh -c: ends the broker and starts it again",
     [](ProveOptions& o, std::string_view v) -> Result<void> { return o.restart_command = v, Result<void>(); }},
    {"--restarts", "N", "how often (10)",
     [](ProveOptions& o, std::string_view v) { return take_number(o.restarts.emplace(), v, 0u, 1'000'000u); }},
    {"--restart-every", "MIN..MAX", "a random time between them (0.5s..2s)", set_restart_every},
    {"--drain", "TIME", "at the end, connect anew so long after the last message (5s)",
     [](ProveOptions& o, std::string_view v) { return take_duration(v, [&](std::int64_t ms) { o.drain_ms = ms; }); }},
    {"--seed", "N", "of all that is random (a new one each run)",
     [](ProveOptions& o, std::string_view v) {
       return take_number<std::uint64_t>(o.seed.emplace(), v, 0, std::numeric_limits<std::uint64_t>::max());
     }},
    {"--json", "", "result as one JSON object",
     [](ProveOptions& o, std::string_view) -> Result<void> { return o.json = true, Result<void>(); }},
    {"--quiet", "", "no progress on a terminal",
     [](ProveOptions& o, std::string_view) -> Result<void> { return o.quiet = true, Result<void>(); }},
    {"--publisher-of", "RUN", "",
     [](ProveOptions& o, std::string_view v) -> Result<void> { return o.publisher_of = v, Result<void>(); }},
};

constexpr Group kGroupRows[] = {{"Connections", kConnectionOptions}, {"Load", kLoadOptions}, {"Run", kRunOptions}};
constexpr std::span<const Group> kGroups = kGroupRows;

Result<void> check_together(const ProveOptions& options) {
  if (options.offline > options.subscribers) {
    return fail(fmt::format("--offline: {} of {} subscribers is too many", options.offline, options.subscribers));
  }
  if (options.restart_command.empty() && options.restarts.value_or(0) > 0) {
    return fail("--restarts: needs --restart-command, a command that ends the broker and starts it again");
  }
  return {};
}

}  // namespace

Result<std::int64_t> parse_duration_ms(std::string_view text) {
  std::string_view number = text;
  double unit_ms = 1000;
  if (number.ends_with("ms")) {
    unit_ms = 1;
    number.remove_suffix(2);
  } else if (number.ends_with("s") || number.ends_with("m")) {
    unit_ms = number.ends_with("m") ? 60'000 : 1000;
    number.remove_suffix(1);
  }
  const auto value = parse_number<double>(number, 0, kMostSeconds * 1000 / unit_ms);
  if (!value) return fail(fmt::format("needs a time, 1.5s or 200ms for example, not \"{}\"", text));
  return std::llround(*value * unit_ms);
}

Result<ProveOptions> parse_arguments(std::span<const std::string_view> arguments) {
  const auto collected = collect_arguments(kGroups, arguments);
  if (!collected) return tl::unexpected(collected.error());
  ProveOptions options;
  options.help = collected->help;
  if (options.help) return options;
  if (!collected->words.empty()) return fail(fmt::format("\"{}\" is no option", collected->words.front()));
  if (auto applied = collected->apply(options); !applied) return tl::unexpected(applied.error());
  if (auto together = check_together(options); !together) return tl::unexpected(together.error());
  return options;
}

bool has_option(std::string_view name) {
  const Option* option = find_argument(kGroups, name);
  return name == "--help" || (option && !option->help.empty());
}

std::string help_text(std::string_view program) {
  return fmt::format(
      "Proves or refutes that a broker loses nothing that it acknowledged.\n\n"
      "Usage: {0} [OPTIONS]\n"
      "{1}  {2:<26} this page\n\n"
      "Exit status: 0 nothing acknowledged was lost, nothing doubled at QoS 2, nothing reordered or corrupt;\n"
      "1 something was; 2 usage; 3 it could not be found out.\n\n"
      "Example\n"
      "  {0} --restart-command ./restart-broker.sh --restarts 50\n",
      program, argument_help(kGroups), "--help");
}

}  // namespace martlet::tools::prove
