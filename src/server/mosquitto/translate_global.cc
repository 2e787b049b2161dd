// What of a mosquitto.conf holds for the whole broker.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "server/mosquitto/work.h"

namespace martlet::server::mosquitto {
namespace {

constexpr std::int64_t kMost = 4'294'967'295;
constexpr std::int64_t kMostNumber = std::int64_t{1} << 50;
constexpr std::int64_t kLargestPacketBytes = 268'435'460;
constexpr std::int64_t kSmallestPacketBytes = 20;  // Mosquitto takes none below it either
constexpr std::int64_t kMostPayloadBytes = 268'435'455;
constexpr std::int64_t kMostInFlightBytes = std::int64_t{1} << 30;
constexpr std::int64_t kDefaultQueuedBytes = std::int64_t{16} << 20;

// The keys that need nothing but to be written.
struct Simple {
  std::string_view key;
  std::string_view option;
  std::int64_t max = 0;  // 0: a flag; else a number up to it
};
constexpr Simple kSimple[] = {
    {"allow_zero_length_clientid", "mqtt.allow_empty_client_id"},
    {"queue_qos0_messages", "mqtt.queue_qos0_offline"},
    {"retain_available", "mqtt.retain_available"},
    {"upgrade_outgoing_qos", "mqtt.upgrade_outgoing_qos"},
    {"global_max_clients", "limits.max_sessions", kMost},
    {"global_max_connections", "limits.max_connections", kMost},
};

class Global {
 public:
  explicit Global(Work& work) : work_(work) {}

  void run() {
    for (const Line& line : work_.conf.global) add(line);
    write_sizes();
    write_answers();
    write_queues();
    write_data();
    write_log();
  }

 private:
  void set(std::string_view option, std::string toml, const Line& line, std::string comment = {}) {
    work_.toml.set(option, {std::move(toml), line.place(), std::move(comment)});
  }

  void add(const Line& line) {
    ReportLine& told = work_.tell(line);
    for (const Simple& simple : kSimple) {
      if (simple.key == line.key) return add_simple(line, simple);
    }
    if (add_security(line, told) || add_limit(line, told) || add_persistence(line, told) || add_log(line, told)) return;
    add_rest(line, told);
  }

  void add_simple(const Line& line, const Simple& simple) {
    if (simple.max == 0) {
      if (const auto on = work_.flag(line)) set(simple.option, *on ? "true" : "false", line);
    } else if (const auto number = work_.number(line, -1, simple.max)) {
      if (*number > 0) set(simple.option, fmt::format("{}", *number), line);
    }
  }

  bool add_security(const Line& line, ReportLine& told) {
    if (line.key == "auto_id_prefix") {
      set("mqtt.assigned_client_id_prefix", quoted(line.value), line);
    } else if (line.key == "clientid_prefixes") {
      set("mqtt.client_id_prefix", quoted(line.value), line);
    } else if (line.key == "allow_anonymous") {
      if (const auto on = work_.flag(line)) anonymous_ = {*on, line};
    } else if (line.key == "password_file") {
      const std::size_t table = work_.toml.add_table("authentication", line.place());
      work_.toml.set(table, "kind", {quoted("file"), line.place(), {}});
      work_.toml.set(table, "path", {quoted(line.value), line.place(), {}});
    } else if (line.key == "acl_file") {
      const std::size_t table = work_.toml.add_table("authorization", line.place());
      work_.toml.set(table, "kind", {quoted("mosquitto"), line.place(), {}});
      work_.toml.set(table, "path", {quoted(line.value), line.place(), {}});
      work_.toml.set(table, "lenient_subscribe", {"true", line.place(), "as Mosquitto: SUBSCRIBE always succeeds"});
    } else if (line.key == "psk_file") {
      told.note = "tls.psk_file of each listener that has a psk_hint";
      work_.psk_file = line;
    } else {
      return false;
    }
    return true;
  }

  bool add_limit(const Line& line, ReportLine& told) {
    if (line.key == "max_inflight_messages") {
      if (const auto number = work_.number(line, 0, 65'535)) {
        const std::string text = fmt::format("{}", *number == 0 ? 65'535 : *number);
        set("limits.max_in_flight", text, line);
        set("limits.receive_maximum", text, line);
      }
    } else if (line.key == "max_inflight_bytes") {
      if (const auto number = work_.number(line, 0, kMostNumber)) {
        set("limits.max_in_flight_bytes", fmt::format("{}", std::min(*number, kMostInFlightBytes)), line);
      }
    } else if (line.key == "max_packet_size") {
      add_packet_size(line, told);
    } else if (line.key == "message_size_limit") {
      if (const auto number = work_.number(line, 0, kMostPayloadBytes)) {
        set("limits.max_payload_size", fmt::format("{}", *number), line);
      }
    } else if (line.key == "max_queued_messages") {
      if (const auto number = work_.number(line, 0, kMost)) {
        set("limits.max_queued_messages", fmt::format("{}", *number == 0 ? kMost : *number), line);
        set("store.max_owed_messages", fmt::format("{}", *number), line);
      }
    } else if (line.key == "max_queued_bytes") {
      if (const auto number = work_.number(line, 0, kMostNumber)) queued_ = {*number, line};
      told.note = "store.max_owed_bytes and limits.max_queued_bytes, which count topics and properties too";
    } else if (line.key == "max_keepalive") {
      if (const auto number = work_.number(line, 0, 65'535); number && *number > 0) {
        set("mqtt.keep_alive_max", fmt::format("\"{}s\"", *number), line);
      }
    } else if (line.key == "persistent_client_expiration") {
      add_expiration(line);
    } else {
      return false;
    }
    return true;
  }

  void add_packet_size(const Line& line, ReportLine& told) {
    const auto number = work_.number(line, kSmallestPacketBytes, kMostNumber);
    if (!number) return;
    packet_ = {std::min(*number, kLargestPacketBytes), line};
    if (*number <= kLargestPacketBytes) return;
    told.fate = Fate::changed;
    told.note =
        fmt::format("limits.max_packet_size is at most {}, the largest packet that there is", kLargestPacketBytes);
  }

  // A number and its unit: hours, days, weeks, months or years.
  void add_expiration(const Line& line) {
    Line digits = line;
    const char unit = digits.value.empty() ? ' ' : digits.value.back();
    if (!digits.value.empty()) digits.value.pop_back();
    const std::int64_t hours = unit == 'h' ? 1 : unit == 'd' ? 24 : unit == 'w' ? 168 : unit == 'm' ? 720 : 8'760;
    if (std::string_view("hdwmy").find(unit) == std::string_view::npos) {
      return work_.error(line, "must be a number with one of h, d, w, m and y behind it");
    }
    const auto number = work_.number(digits, 1, 1'000'000);
    if (!number) return;
    const std::int64_t total = std::min<std::int64_t>(*number * hours, 1'000'000);
    const std::string text = total % 24 == 0 ? fmt::format("\"{}d\"", total / 24) : fmt::format("\"{}h\"", total);
    set("mqtt.session_expiry_max", text, line);
    set("mqtt.session_expiry_3x", text, line);
  }

  bool add_persistence(const Line& line, ReportLine& told) {
    if (line.key == "persistence" || line.key == "retained_persistence") {
      if (const auto on = work_.flag(line)) persistence_ = {*on, line};
    } else if (line.key == "persistence_location") {
      location_ = line;
    } else if (line.key == "autosave_on_changes") {
      work_.flag(line);
    } else if (line.key == "autosave_interval") {
      work_.number(line, 0, kMostNumber);
    } else {
      return false;
    }
    if (line.key == "persistence") told.note = "server.data_dir; what Mosquitto has saved is not read";
    return true;
  }

  bool add_log(const Line& line, ReportLine& told) {
    const auto lost = [&told](Fate fate, std::string_view note) {
      told.fate = fate;
      told.note = note;
    };
    if (line.key == "log_type") {
      constexpr std::string_view kTypes[] = {"none",      "information", "notice",     "warning",  "error", "debug",
                                             "subscribe", "unsubscribe", "websockets", "internal", "all"};
      if (std::ranges::find(kTypes, line.value) == std::end(kTypes))
        work_.error(line, "is not one of Mosquitto's types");
      types_.insert(line.value);
      types_line_ = line;
      if (line.value == "none") lost(Fate::changed, "errors are always logged");
      if (line.value == "websockets")
        lost(Fate::changed, "log.levels = [\"net=debug\"] shows what happens to connections");
      if (line.value == "subscribe" || line.value == "unsubscribe") {
        lost(Fate::changed, "subscriptions are logged at the level debug");
      }
    } else if (line.key == "log_dest") {
      constexpr std::string_view kPlaces[] = {"stderr", "stdout", "none", "syslog", "file", "topic", "dlt", "android"};
      const std::string where = line.value.substr(0, line.value.find(' '));
      if (std::ranges::find(kPlaces, where) == std::end(kPlaces)) work_.error(line, "is not one of Mosquitto's places");
      if (where == "stdout") lost(Fate::changed, "log lines go to standard error");
      if (where == "none") silent_ = line;
      if (where == "none") lost(Fate::changed, "errors are still logged, to standard error");
      if (where == "syslog" || where == "file" || where == "dlt" || where == "android") {
        lost(Fate::no_equal, "log lines go to standard error; let the service manager send them on");
      }
      if (where == "topic") lost(Fate::no_equal, "log lines go to standard error, not to topics");
    } else if (line.key == "log_timestamp") {
      if (work_.flag(line) == false) lost(Fate::no_equal, "each line has the time");
    } else if (line.key == "connection_messages") {
      if (work_.flag(line) == false)
        lost(Fate::changed, "log.levels = [\"broker=warning\"] leaves them out, with others");
    } else {
      return false;
    }
    return true;
  }

  void add_rest(const Line& line, ReportLine& told) {
    if (line.key == "allow_duplicate_messages") {
      if (const auto on = work_.flag(line)) set("mqtt.overlapping", quoted(*on ? "separate" : "merged"), line);
    } else if (line.key == "check_retain_source") {
      if (work_.flag(line) == false) {
        told.fate = Fate::kept;
        told.note = "who published a retained message is not checked again";
      }
    } else if (line.key == "sys_interval") {
      if (const auto number = work_.number(line, 0, 86'400)) {
        set("sys.interval", *number == 0 ? quoted("never") : fmt::format("\"{}s\"", *number), line);
      }
    } else if (line.key == "user") {
      if (line.value != "root") set("server.user", quoted(line.value), line);
    } else if (line.key == "websockets_headers_size") {
      work_.websocket_header_bytes = work_.number(line, 0, kMost);
    } else if (line.key == "set_tcp_nodelay" || line.key == "per_listener_settings") {
      if (work_.flag(line) == false && line.key == "set_tcp_nodelay") told.fate = Fate::changed;
    }
  }

  // Mosquitto takes packets of any size unless told otherwise.
  void write_sizes() {
    const std::int64_t packet = packet_ ? packet_->first : kLargestPacketBytes;
    work_.toml.set("limits.max_packet_size",
                   {fmt::format("{}", packet), packet_ ? packet_->second.place() : std::string(),
                    packet_ ? "" : "Mosquitto's default is the largest that there is: lower it if you can"});
  }

  // What Mosquitto tells clients.
  void write_answers() {
    const auto default_ = [this](std::string_view option, std::string_view value, std::string comment) {
      if (!work_.toml.has(option)) work_.toml.set(option, {std::string(value), {}, std::move(comment)});
    };
    default_("limits.max_in_flight", "20", "Mosquitto's default: more is faster");
    default_("limits.receive_maximum", "20", "the same");
    default_("limits.topic_alias_maximum", "10", "Mosquitto's default");
    default_("mqtt.keep_alive_max", "\"65535s\"", "as Mosquitto: a 5.0 client without keep alive is given one");
    default_("mqtt.announce_durability", "false", "Mosquitto's CONNACK does not say it");
    default_("auth.refuse_as_not_authorized", "true", "as Mosquitto answers a wrong password");
  }

  void write_queues() {
    const std::int64_t packet = packet_ ? packet_->first : kLargestPacketBytes;
    std::int64_t bytes = std::max(packet, kDefaultQueuedBytes);
    std::string origin;
    if (queued_) {
      set("store.max_owed_bytes", fmt::format("{}", queued_->first), queued_->second);
      origin = queued_->second.place();
      if (queued_->first > 0) bytes = std::max(packet, queued_->first);
      if (queued_->first > 0 && bytes > queued_->first) tell_more_queued();
    }
    if (bytes == kDefaultQueuedBytes) return;
    work_.toml.set("limits.max_queued_bytes",
                   {fmt::format("{}", bytes), origin, bytes == packet ? "at least the largest packet" : ""});
  }

  void tell_more_queued() {
    for (ReportLine& told : work_.report) {
      if (told.key != "max_queued_bytes") continue;
      told.fate = Fate::changed;
      told.note =
          "store.max_owed_bytes; what waits in memory alone has room for the largest packet: set max_packet_size too";
    }
  }

  // Mosquitto keeps nothing unless told otherwise.
  void write_data() {
    if (!persistence_ || !persistence_->first) {
      work_.toml.set("server.data_dir", {quoted("none"), persistence_ ? persistence_->second.place() : std::string(),
                                         "without persistence nothing outlives the process"});
      return;
    }
    std::string directory = location_ ? location_->value : std::string(".");
    while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
    set("server.data_dir", quoted(directory + "/martlet-data"), location_ ? *location_ : persistence_->second);
    work_.toml.set("store.durability", {quoted("interval"), persistence_->second.place(),
                                        "surer than Mosquitto's autosave; \"fsync\" survives power cuts too"});
  }

  void write_log() {
    if (silent_) return set("log.level", quoted("error"), *silent_);
    if (!types_line_) return;
    const auto has = [this](std::string_view type) { return types_.contains(type); };
    std::string_view level = "error";
    if (has("warning")) level = "warning";
    if (has("notice") || has("information")) level = "info";
    if (has("debug") || has("all") || has("subscribe") || has("unsubscribe")) level = "debug";
    set("log.level", quoted(level), *types_line_);
  }

 public:
  std::optional<std::pair<bool, Line>> anonymous_;

 private:
  Work& work_;
  std::optional<std::pair<std::int64_t, Line>> packet_;
  std::optional<std::pair<std::int64_t, Line>> queued_;
  std::optional<std::pair<bool, Line>> persistence_;
  std::optional<Line> location_;
  std::optional<Line> types_line_;
  std::optional<Line> silent_;
  std::set<std::string, std::less<>> types_;
};

}  // namespace

void translate_global(Work& work) {
  work.local_only = work.conf.listeners.empty() && !uses_default_listener(work.conf);
  Global global(work);
  global.run();
  if (work.local_only && global.anonymous_ && !global.anonymous_->first) {
    for (ReportLine& told : work.report) {
      if (told.key != "allow_anonymous") continue;
      told.fate = Fate::changed;
      told.note = "Mosquitto lets everybody in without a listener, whatever this says; Martlet does not";
    }
  }
  work.toml.set("auth.unchecked_user_names", {"true", {}, "as Mosquitto without a password_file"});
  work.toml.set("mqtt.session_bound_to_user", {"false", {}, "as Mosquitto: a client identifier names a session"});
  work.allow_anonymous = global.anonymous_ ? global.anonymous_->first : work.local_only;
  work.toml.set("auth.allow_anonymous", {work.allow_anonymous ? "true" : "false",
                                         global.anonymous_ ? global.anonymous_->second.place() : std::string(),
                                         global.anonymous_ ? ""
                                         : work.local_only ? "Mosquitto's default without a listener"
                                                           : "Mosquitto's default with a listener"});
}

}  // namespace martlet::server::mosquitto
