#include "tools/prove/report.h"

#include <fmt/format.h>

#include "tools/json_writer.h"

namespace martlet::tools::prove {
namespace {

std::string_view verdict(const RunResult& result) {
  if (!result.findings.clean()) return "refuted";
  return result.interrupted ? "interrupted" : "proved";
}

std::uint64_t unacknowledged(const RunResult& result) {
  std::uint64_t answered = result.acknowledged.total();
  for (const auto& [reason, count] : result.refused) answered += count;
  return result.published > answered ? result.published - answered : 0;
}

std::string both(const PerQos& counts) {
  return fmt::format("{:>10} {:>10}", counts.counts[0], counts.counts[1]);
}

void add(JsonWriter& json, std::string_view name, std::uint64_t value) {
  json.key(name);
  json.number(value);
}

void add(JsonWriter& json, std::string_view name, const PerQos& counts) {
  json.key(name);
  json.begin_object();
  add(json, "qos1", counts.counts[0]);
  add(json, "qos2", counts.counts[1]);
  json.end_object();
}

void add(JsonWriter& json, std::string_view name, const std::map<std::string, std::uint64_t>& counts) {
  json.key(name);
  json.begin_object();
  for (const auto& [what, count] : counts) add(json, what, count);
  json.end_object();
}

}  // namespace

std::string to_table(const RunResult& result, const ProveOptions& options) {
  const Findings& found = result.findings;
  std::string text = fmt::format(
      "{} publishers, {} subscribers ({} away), {} bytes, window {}, {:.1f} s, {} restarts\n\n"
      "{:<26} {:>10} {:>10}\n",
      options.publishers, options.subscribers, options.offline, options.payload_bytes, options.window, result.seconds,
      result.restarts, "", "QoS 1", "QoS 2");
  text += fmt::format("{:<26} {}\n", "acknowledged", both(result.acknowledged));
  text += fmt::format("{:<26} {}\n", "delivered", both(found.delivered));
  text += fmt::format("{:<26} {}\n", "lost", both(found.lost));
  text += fmt::format("{:<26} {}{}\n\n", "duplicated", both(found.duplicated),
                      found.duplicated.counts[0] ? "   (at QoS 1 it may)" : "");
  const auto line = [&](std::string_view name, std::uint64_t count) {
    text += fmt::format("{:<26} {:>10}\n", name, count);
  };
  line("reordered", found.reordered);
  line("corrupted", found.corrupted);
  line("sessions forgotten", result.forgotten_subscribers + result.forgotten_publishers);
  line("PUBREC received", result.received);
  if (found.received_lost != 0) line("lost with PUBREC only", found.received_lost);
  for (const auto& [reason, count] : result.refused) line(fmt::format("refused: {}", reason), count);
  if (const auto count = unacknowledged(result)) line("not acknowledged", count);
  for (const auto& [what, count] : result.breaches) {
    text += fmt::format("the broker broke the protocol {} times: {}\n", count, what);
  }
  for (const std::string& example : result.examples) text += fmt::format("  {}\n", example);
  text += fmt::format("\n{} (seed {})\n", verdict(result), *options.seed);
  return text;
}

std::string to_json(const RunResult& result, const ProveOptions& options) {
  const Findings& found = result.findings;
  std::string text;
  JsonWriter json(text, false);
  json.begin_object();
  json.key("verdict");
  json.text(verdict(result));
  add(json, "seed", *options.seed);
  add(json, "restarts", result.restarts);
  json.key("seconds");
  json.number(result.seconds);
  add(json, "publishers", options.publishers);
  add(json, "subscribers", options.subscribers);
  add(json, "offline", options.offline);
  add(json, "payload_bytes", options.payload_bytes);
  add(json, "published", result.published);
  add(json, "acknowledged", result.acknowledged);
  add(json, "delivered", found.delivered);
  add(json, "lost", found.lost);
  add(json, "duplicated", found.duplicated);
  add(json, "reordered", found.reordered);
  add(json, "corrupted", found.corrupted);
  add(json, "forgotten_subscribers", result.forgotten_subscribers);
  add(json, "forgotten_publishers", result.forgotten_publishers);
  add(json, "pubrec_received", result.received);
  add(json, "lost_with_pubrec_only", found.received_lost);
  add(json, "refused", result.refused);
  add(json, "not_acknowledged", unacknowledged(result));
  add(json, "protocol_breaches", result.breaches);
  json.key("examples");
  json.begin_array();
  for (const std::string& example : result.examples) json.text(example);
  json.end_array();
  json.end_object();
  return text + "\n";
}

}  // namespace martlet::tools::prove
