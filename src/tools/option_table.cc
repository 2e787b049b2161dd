#include "tools/option_table.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/nearest.h"
#include "tools/number.h"
#include "tools/property_option.h"
#include "tools/url.h"

namespace martlet::tools {
namespace {

template <auto Member>
Result<void> set_true(Settings& settings, Values) {
  settings.*Member = true;
  return {};
}

template <auto Member>
Result<void> set_text(Settings& settings, Values values) {
  settings.*Member = std::string(values[0]);
  return {};
}

template <auto Member>
Result<void> add_text(Settings& settings, Values values) {
  (settings.*Member).emplace_back(values[0]);
  return {};
}

Result<void> bad_value(std::string_view what, std::string_view value, std::string_view wanted) {
  return fail(fmt::format("{}: '{}' is not valid; {}", what, value, wanted));
}

Result<void> set_port(Settings& settings, Values values) {
  settings.port = parse_number<std::uint16_t>(values[0], 1, 65'535);
  if (!settings.port) return bad_value("--port", values[0], "a port is a number from 1 to 65535");
  return {};
}

Result<void> set_keep_alive(Settings& settings, Values values) {
  const auto seconds = parse_number<std::uint16_t>(values[0], 0, 65'535);
  if (!seconds) return bad_value("--keepalive", values[0], "it is a number of seconds from 0 (never) to 65535");
  settings.keep_alive_s = *seconds;
  return {};
}

Result<void> set_version(Settings& settings, Values values) {
  using enum wire::ProtocolVersion;
  const std::string_view text = values[0];
  if (text == "5" || text == "mqttv5" || text == "5.0") {
    settings.version = v5_0;
  } else if (text == "311" || text == "mqttv311" || text == "3.1.1") {
    settings.version = v3_1_1;
  } else if (text == "31" || text == "mqttv31" || text == "3.1") {
    settings.version = v3_1;
  } else {
    return bad_value("--protocol-version", text, "use 5, 311 or 31");
  }
  return {};
}

Result<void> set_session_expiry(Settings& settings, Values values) {
  settings.needs_v5 = "-x";
  if (values[0] == "-1" || values[0] == "\u221E") {
    settings.session_expiry_s = 0xFFFFFFFF;
    return {};
  }
  settings.session_expiry_s = parse_number<std::uint32_t>(values[0], 0, 0xFFFFFFFF);
  if (!settings.session_expiry_s) {
    return bad_value("-x", values[0], "it is a number of seconds from 0 to 4294967294, or -1 for never");
  }
  return {};
}

Result<void> keep_session(Settings& settings, Values) {
  settings.clean_start = false;
  return {};
}

Result<void> parse_qos(wire::QoS& qos, const char* option, std::string_view text) {
  const auto value = parse_number<unsigned>(text, 0, 2);
  if (!value) return bad_value(option, text, "a QoS is 0, 1 or 2");
  qos = static_cast<wire::QoS>(*value);
  return {};
}

Result<void> set_qos(Settings& settings, Values values) {
  return parse_qos(settings.qos, "--qos", values[0]);
}

Result<void> set_will_qos(Settings& settings, Values values) {
  settings.has_will_option = true;
  return parse_qos(settings.will_qos, "--will-qos", values[0]);
}

Result<void> set_will_payload(Settings& settings, Values values) {
  settings.has_will_option = true;
  settings.will_payload = values[0];
  return {};
}

Result<void> set_will_retain(Settings& settings, Values) {
  settings.has_will_option = true;
  settings.will_retain = true;
  return {};
}

Result<void> take_url(Settings& settings, Values values) {
  return apply_url(settings, values[0]);
}

template <MessageSource Source>
Result<void> set_source(Settings& settings, Values values) {
  if (settings.source != MessageSource::none) {
    return fail("only one of -m, -f, -s, -l and -n can be given: each says what to send");
  }
  settings.source = Source;
  if (Source == MessageSource::text) settings.message = values[0];
  if (Source == MessageSource::file) settings.file = values[0];
  return {};
}

Result<void> set_repeat(Settings& settings, Values values) {
  const auto times = parse_number<std::uint64_t>(values[0], 1, 1'000'000'000'000);
  if (!times) return bad_value("--repeat", values[0], "it is a number of times, at least 1");
  settings.repeat = *times;
  return {};
}

Result<void> set_repeat_delay(Settings& settings, Values values) {
  const auto seconds = parse_number<double>(values[0], 0, 1e6);
  if (!seconds) return bad_value("--repeat-delay", values[0], "it is a number of seconds, 0.5 for example");
  settings.repeat_delay_ms = std::llround(*seconds * 1000);
  return {};
}

Result<void> set_max_in_flight(Settings& settings, Values values) {
  const auto count = parse_number<std::uint16_t>(values[0], 1, 65'535);
  if (!count) return bad_value("-M", values[0], "it is a number of messages from 1 to 65535");
  settings.max_in_flight = *count;
  return {};
}

Result<void> set_count(Settings& settings, Values values) {
  const auto count = parse_number<std::uint64_t>(values[0], 1, UINT64_MAX);
  if (!count) return bad_value("-C", values[0], "it is a number of messages, at least 1");
  settings.count = *count;
  return {};
}

Result<void> set_timeout(Settings& settings, Values values) {
  settings.timeout_s = parse_number<std::uint32_t>(values[0], 1, 1'000'000'000);
  if (!settings.timeout_s) return bad_value("-W", values[0], "it is a number of seconds, at least 1");
  return {};
}

Result<void> set_retain_as_published(Settings& settings, Values) {
  settings.retain_as_published = true;
  settings.needs_v5 = "--retain-as-published";
  return {};
}

Result<void> set_retain_handling(Settings& settings, Values values) {
  constexpr std::array<std::string_view, 3> kNames{"always", "new", "never"};
  settings.needs_v5 = "--retain-handling";
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (values[0] != kNames[i] && values[0] != std::to_string(i)) continue;
    settings.retain_handling = static_cast<std::uint8_t>(i);
    return {};
  }
  return bad_value("--retain-handling", values[0], "use always, new or never");
}

Result<void> set_random_filter(Settings& settings, Values values) {
  const auto percent = parse_number<double>(values[0], 0.1, 100);
  if (!percent) return bad_value("--random-filter", values[0], "it is a percentage from 0.1 to 100");
  settings.shown_percent = *percent;
  return {};
}

Result<void> nothing(Settings&, Values) {
  return {};
}

// Reading the file is the parser's: it puts more options in this one's place.
Result<void> options_file(Settings&, Values) {
  return {};
}

constexpr const char* kConnection = "Connection";
constexpr const char* kMessage = "Message";
constexpr const char* kSubscription = "Subscription";
constexpr const char* kOutput = "Output";
constexpr const char* kWill = "Will";
constexpr const char* kOther = "Other";

constexpr const char* kNoTls = "TLS is not supported yet; connect to a plain MQTT port";

using S = Settings;

constexpr std::array kTable{
    OptionRow{"-h", "--host", "HOST", kBoth, kConnection, "host or address of the broker; default localhost",
              set_text<&S::host>},
    OptionRow{"-p", "--port", "PORT", kBoth, kConnection, "its port; default 1883", set_port},
    OptionRow{"-L", "--url", "URL", kBoth, kConnection, "all at once: mqtt://user:password@host:port/topic", take_url},
    OptionRow{"-u", "--username", "NAME", kBoth, kConnection, "user name", set_text<&S::username>},
    OptionRow{"-P", "--pw", "PASSWORD", kBoth, kConnection, "password", set_text<&S::password>},
    OptionRow{"-i", "--id", "ID", kBoth, kConnection, "client identifier; default: a random one (5.0: the broker's)",
              set_text<&S::client_id>},
    OptionRow{"-I", "--id-prefix", "PREFIX", kBoth, kConnection, "client identifier: PREFIX and a random number",
              set_text<&S::client_id_prefix>},
    OptionRow{"-V", "--protocol-version", "VERSION", kBoth, kConnection,
              "5, 311 or 31 (also mqttv5, mqttv311, mqttv31); default 311, or 5 if another option needs it",
              set_version},
    OptionRow{"-k", "--keepalive", "SECONDS", kBoth, kConnection, "keep alive; default 60, 0 for none", set_keep_alive},
    OptionRow{"-c", "--disable-clean-session", nullptr, kBoth, kConnection,
              "keep the session on the broker, for ever unless -x says for how long; needs -i", keep_session},
    OptionRow{"-x", "--session-expiry-interval", "SECONDS", kBoth, kConnection,
              "how long the broker keeps the session after the connection; -1 for ever", set_session_expiry},
    OptionRow{nullptr, "--nodelay", nullptr, kBoth, kConnection, "accepted: small packets are never held back",
              nothing},

    OptionRow{"-t", "--topic", "TOPIC", kPub, kMessage, "topic to publish to", add_text<&S::topics>},
    OptionRow{"-m", "--message", "TEXT", kPub, kMessage, "send TEXT", set_source<MessageSource::text>},
    OptionRow{"-f", "--file", "FILE", kPub, kMessage, "send the contents of FILE", set_source<MessageSource::file>},
    OptionRow{"-s", "--stdin-file", nullptr, kPub, kMessage, "send the whole standard input as one message",
              set_source<MessageSource::stdin_whole>},
    OptionRow{"-l", "--stdin-line", nullptr, kPub, kMessage, "send each line of the standard input as a message",
              set_source<MessageSource::stdin_lines>},
    OptionRow{"-n", "--null-message", nullptr, kPub, kMessage,
              "send an empty message; with -r it removes a retained one", set_source<MessageSource::empty>},
    OptionRow{"-q", "--qos", "QOS", kPub, kMessage, "0, 1 or 2; default 0", set_qos},
    OptionRow{"-r", "--retain", nullptr, kPub, kMessage, "retain the message", set_true<&S::retain>},
    OptionRow{nullptr, "--repeat", "N", kPub, kMessage, "send it N times (not with -l)", set_repeat},
    OptionRow{nullptr, "--repeat-delay", "SECONDS", kPub, kMessage, "wait between the repeats, 0.5 for example",
              set_repeat_delay},
    OptionRow{"-M", "--max-inflight", "N", kPub, kMessage,
              "most unacknowledged messages; default 1000, the broker may allow less", set_max_in_flight},

    OptionRow{"-t", "--topic", "FILTER", kSub, kSubscription, "topic filter to subscribe to; may be repeated",
              add_text<&S::topics>},
    OptionRow{"-T", "--filter-out", "FILTER", kSub, kSubscription,
              "ignore messages whose topic matches FILTER; may be repeated", add_text<&S::filtered_out>},
    OptionRow{"-U", "--unsubscribe", "FILTER", kSub, kSubscription, "unsubscribe from FILTER; may be repeated",
              add_text<&S::unsubscribes>},
    OptionRow{"-q", "--qos", "QOS", kSub, kSubscription, "highest QoS to receive at: 0, 1 or 2; default 0", set_qos},
    OptionRow{"-C", "--count", "N", kSub, kSubscription, "stop after N messages", set_count},
    OptionRow{"-W", "--timeout", "SECONDS", kSub, kSubscription, "stop after SECONDS, with exit code 27", set_timeout},
    OptionRow{"-E", nullptr, nullptr, kSub, kSubscription, "stop when the broker has answered all subscriptions",
              set_true<&S::exit_after_subscribe>},
    OptionRow{"-R", nullptr, nullptr, kSub, kSubscription, "ignore retained messages", set_true<&S::skip_retained>},
    OptionRow{nullptr, "--retained-only", nullptr, kSub, kSubscription,
              "handle retained messages only; stop at the first other one", set_true<&S::retained_only>},
    OptionRow{nullptr, "--remove-retained", nullptr, kSub, kSubscription,
              "remove each retained message that comes from the broker", set_true<&S::remove_retained>},
    OptionRow{nullptr, "--retain-as-published", nullptr, kSub, kSubscription,
              "leave the retain flag as the publisher set it (5.0)", set_retain_as_published},
    OptionRow{nullptr, "--retain-handling", "WHEN", kSub, kSubscription,
              "retained messages on subscribing: always, new (only to a new subscription) or never (5.0)",
              set_retain_handling},

    OptionRow{"-v", "--verbose", nullptr, kSub, kOutput, "print topic and payload", set_true<&S::verbose>},
    OptionRow{"-N", nullptr, nullptr, kSub, kOutput, "print no end of line",
              [](S& s, Values) -> Result<void> {
                s.end_of_line = false;
                return {};
              }},
    OptionRow{"-F", "--format", "FORMAT", kSub, kOutput, "print each message by FORMAT, see below",
              set_text<&S::format>},
    OptionRow{nullptr, "--pretty", nullptr, kSub, kOutput, "indent the JSON of %j and %J", set_true<&S::pretty>},
    OptionRow{nullptr, "--random-filter", "PERCENT", kSub, kOutput, "print only that part of the messages, by chance",
              set_random_filter},

    OptionRow{nullptr, "--will-topic", "TOPIC", kBoth, kWill, "topic of the will", set_text<&S::will_topic>},
    OptionRow{nullptr, "--will-payload", "TEXT", kBoth, kWill, "its payload; default empty", set_will_payload},
    OptionRow{nullptr, "--will-qos", "QOS", kBoth, kWill, "its QoS; default 0", set_will_qos},
    OptionRow{nullptr, "--will-retain", nullptr, kBoth, kWill, "retain it", set_will_retain},

    OptionRow{"-D", "--property", "COMMAND PROPERTY [NAME] VALUE", kBoth, kOther,
              "set a property of a packet (5.0): -D publish content-type text/plain; NAME for user-property only",
              apply_property},
    OptionRow{"-o", "--options", "FILE", kBoth, kOther, "more options from FILE, one with its value on each line",
              options_file},
    OptionRow{"-d", "--debug", nullptr, kBoth, kOther, "show every packet on the standard error output",
              set_true<&S::debug>},
    OptionRow{nullptr, "--quiet", nullptr, kBoth, kOther, "print no errors while running", set_true<&S::quiet>},
    OptionRow{nullptr, "--help", nullptr, kBoth, kOther, "show this help", set_true<&S::help>},

    OptionRow{"-A", nullptr, "ADDRESS", kBoth, nullptr, "the outgoing address is the system's choice", nullptr},
    OptionRow{"-S", nullptr, nullptr, kBoth, nullptr, "SRV lookups are not supported; name the host with -h", nullptr},
    OptionRow{nullptr, "--unix", "PATH", kBoth, nullptr, "Unix sockets are not supported; use -h and -p", nullptr},
    OptionRow{nullptr, "--proxy", "URL", kBoth, nullptr, "proxies are not supported; connect directly", nullptr},
    OptionRow{nullptr, "--ws", nullptr, kBoth, nullptr, "WebSocket is not supported yet; use a plain MQTT port",
              nullptr},
    OptionRow{nullptr, "--message-rate", nullptr, kSub, nullptr, "it is not supported", nullptr},
    OptionRow{"-w", "--watch", nullptr, kSub, nullptr, "it is not supported; use -v", nullptr},
    OptionRow{nullptr, "--cafile", "FILE", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--capath", "DIR", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--cert", "FILE", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--key", "FILE", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--keyform", "FORM", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--ciphers", "LIST", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--insecure", nullptr, kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--psk", "KEY", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--psk-identity", "ID", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--tls-alpn", "PROTOCOL", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--tls-engine", "ENGINE", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--tls-engine-kpass-sha1", "SHA1", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--tls-keylog", "FILE", kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--tls-use-os-certs", nullptr, kBoth, nullptr, kNoTls, nullptr},
    OptionRow{nullptr, "--tls-version", "VERSION", kBoth, nullptr, kNoTls, nullptr},
};

constexpr const char* kFormatHelp = R"(
Format (-F):
  %t topic          %p payload        %l its length      %x %X payload in hexadecimal
  %q QoS            %r retain flag    %m packet identifier
  %j JSON of the message              %J the same, the payload being JSON itself
  %I time, ISO 8601                   %U Unix time with nanoseconds
  5.0: %A topic alias  %C content type  %D correlation data  %E message expiry  %F payload format
       %P user properties  %R response topic  %S subscription identifier
  @X strftime's %X  @N nanoseconds  @@ @  %% %    \n \r \t \v \a \e \0 \\
  Between % and the letter: - left aligned, 0 zero padded, width, .most: %-20t %05l %.10t
)";

}  // namespace

std::span<const OptionRow> option_table() {
  return kTable;
}

bool takes_property(const OptionRow& row) {
  return row.apply == apply_property;
}

bool names_options_file(const OptionRow& row) {
  return row.apply == options_file;
}

const OptionRow* find_option(std::string_view name, Tool tool) {
  for (const OptionRow& row : kTable) {
    if ((row.tools & tool) == 0) continue;
    if (row.short_name && name == row.short_name) return &row;
    if (row.long_name && name == row.long_name) return &row;
  }
  return nullptr;
}

std::string_view nearest_option(std::string_view name, Tool tool) {
  std::vector<std::string_view> names;
  for (const OptionRow& row : kTable) {
    if ((row.tools & tool) != 0 && row.group && row.long_name) names.push_back(row.long_name);
  }
  return nearest_name(name, names);
}

std::string help_text(Tool tool) {
  std::string text =
      tool == kPub ? "Usage: martlet pub [-h HOST] [-p PORT] -t TOPIC (-m TEXT | -f FILE | -s | -l | -n) [OPTION...]\n"
                     "       martlet pub -L mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC (-m TEXT | ...) [OPTION...]\n\n"
                     "Publishes messages and stops when the broker has them.\n"
                   : "Usage: martlet sub [-h HOST] [-p PORT] -t FILTER [-t FILTER...] [OPTION...]\n"
                     "       martlet sub -L mqtt://[USER[:PASSWORD]@]HOST[:PORT]/FILTER [OPTION...]\n\n"
                     "Subscribes and prints what comes, until interrupted.\n";
  const char* group = nullptr;
  for (const OptionRow& row : kTable) {
    if ((row.tools & tool) == 0 || !row.group) continue;
    if (!group || std::strcmp(group, row.group) != 0) text += fmt::format("\n{}:\n", row.group);
    group = row.group;
    std::string names = row.short_name ? row.short_name : "   ";
    if (row.long_name) names += fmt::format("{}{}", row.short_name ? ", " : " ", row.long_name);
    if (row.argument) names += fmt::format(" {}", row.argument);
    text += names.size() > 34 ? fmt::format("  {}\n  {:34} {}\n", names, "", row.help)
                              : fmt::format("  {:34} {}\n", names, row.help);
  }
  if (tool == kSub) text += kFormatHelp;
  text += tool == kSub ? "\nExit codes: 0 done, 1 failed while running, 2 bad usage, 27 -W's time is over.\n"
                       : "\nExit codes: 0 done, 1 failed while running, 2 bad usage.\n";
  return text;
}

}  // namespace martlet::tools
