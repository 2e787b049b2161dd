// What of a mosquitto.conf holds for its listeners.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "server/loopback.h"
#include "server/mosquitto/work.h"

namespace martlet::server::mosquitto {
namespace {

constexpr std::int64_t kMost = 4'294'967'295;
constexpr std::uint16_t kDefaultPort = 1883;

// The keys that need nothing but to be written, as a text.
constexpr std::pair<std::string_view, std::string_view> kTexts[] = {
    {"mount_point", "mount_point"},  {"certfile", "tls.certificate"}, {"keyfile", "tls.key"},
    {"bind_interface", "interface"}, {"ciphers", "tls.ciphers"},      {"ciphers_tls1.3", "tls.cipher_suites"},
    {"dhparamfile", "tls.dh"},
};
// The same as flags.
constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
    {"use_username_as_clientid", "username_as_client_id"},
    {"listener_allow_anonymous", "allow_anonymous"},
};

class ListenerWork {
 public:
  ListenerWork(Work& work, const Listener& listener) : work_(work), listener_(listener) {
    for (const Line& line : listener.lines) last_[line.key] = &line;
  }

  void run() {
    table_ = work_.toml.add_table("listener", listener_.opening.place());
    if (!listener_.opening.file.empty()) work_.tell(listener_.opening);
    write_address();
    for (const Line& line : listener_.lines) add(line);
    write_authentication();
    write_tls();
    write_identity();
    write_websocket();
    note_openness();
  }

 private:
  void set(std::string_view key, std::string toml, const Line& line, std::string comment = {}) {
    work_.toml.set(table_, key, {std::move(toml), line.place(), std::move(comment)});
  }

  const Line* last(std::string_view key) const {
    const auto found = last_.find(key);
    return found == last_.end() ? nullptr : found->second;
  }
  bool on(std::string_view key) const {
    const Line* line = last(key);
    return line && (line->value == "true" || line->value == "1");
  }
  // What tells it from the others: "1883 127.0.0.1".
  std::string own_name() const {
    if (!listener_.opening.file.empty()) return listener_.opening.value;
    return last("port") ? last("port")->value : fmt::format("{}", kDefaultPort);
  }
  bool has_certificate() const { return last("certfile") && last("keyfile"); }
  const Line* psk_file() const {
    if (!last("psk_hint")) return nullptr;
    if (const Line* own = last("psk_file")) return own;
    return work_.psk_file ? &*work_.psk_file : nullptr;
  }
  bool has_tls() const { return has_certificate() || psk_file(); }

  // "1884 192.0.2.1", "0 /run/mqtt.sock"; of the default listener `port` and `bind_address`.
  void write_address() {
    std::string port;
    std::string host;
    Line line = listener_.opening;
    if (line.file.empty()) {
      if (const Line* given = last("port")) line = *given;
      port = last("port") ? last("port")->value : fmt::format("{}", kDefaultPort);
      if (const Line* given = last("bind_address")) host = given->value;
    } else {
      const std::size_t blank = line.value.find_first_of(" \t");
      port = line.value.substr(0, blank);
      if (blank != std::string::npos) host = line.value.substr(line.value.find_first_not_of(" \t", blank));
    }
    Line digits = line;
    digits.value = port;
    const auto number = work_.number(digits, 0, 65'535);
    if (!number) return;
    if (*number == 0 && host.starts_with('/')) return set("address", quoted("unix:" + host), line);
    if (const Line* domain = last("socket_domain"); domain && host.empty()) {
      host = domain->value == "ipv4" ? "0.0.0.0" : domain->value == "ipv6" ? "::" : "";
    }
    host_ = host;
    const bool v6 = host.find(':') != std::string::npos;
    const std::string shown = host.empty() ? "*" : v6 ? fmt::format("[{}]", host) : host;
    set("address", quoted(fmt::format("{}:{}", shown, *number)), line);
  }

  void add(const Line& line) {
    ReportLine& told = work_.tell(line);
    for (const auto& [key, option] : kFlags) {
      if (key != line.key) continue;
      if (const auto flag = work_.flag(line)) set(option, *flag ? "true" : "false", line);
      return;
    }
    for (const auto& [key, option] : kTexts) {
      if (key != line.key) continue;
      if (option.starts_with("tls.") && !has_tls())
        return leave_out(told, "a listener needs certfile and keyfile for TLS");
      return set(option, quoted(line.value), line);
    }
    if (add_security(line, told) || add_limit(line) || add_transport(line, told)) return;
    add_tls(line, told);
  }

  static void leave_out(ReportLine& told, std::string_view why) {
    told.fate = Fate::changed;
    told.note = fmt::format("left out: {}", why);
  }

  // With per_listener_settings only.
  bool add_security(const Line& line, ReportLine& told) {
    if (line.key == "allow_anonymous") {
      if (const auto flag = work_.flag(line)) set("allow_anonymous", *flag ? "true" : "false", line);
    } else if (line.key == "password_file") {
      const std::string name = fmt::format("users of {}", own_name());
      const std::size_t table = work_.toml.add_table("authentication", line.place());
      work_.toml.set(table, "name", {quoted(name), line.place(), {}});
      work_.toml.set(table, "kind", {quoted("file"), line.place(), {}});
      work_.toml.set(table, "path", {quoted(line.value), line.place(), {}});
      set("authentication", quoted(std::vector<std::string>{name}), line);
    } else if (line.key == "acl_file") {
      add_acl_file(line, told);
    } else if (line.key == "auto_id_prefix" || line.key == "listener_auto_id_prefix") {
      told.fate = Fate::changed;
      told.note = "mqtt.assigned_client_id_prefix holds for all listeners";
      work_.toml.set("mqtt.assigned_client_id_prefix", {quoted(line.value), line.place(), "of all listeners"});
    } else if (line.key == "allow_zero_length_clientid") {
      told.fate = Fate::changed;
      told.note = "mqtt.allow_empty_client_id holds for all listeners";
      if (const auto flag = work_.flag(line)) {
        work_.toml.set("mqtt.allow_empty_client_id", {*flag ? "true" : "false", line.place(), "of all listeners"});
      }
    } else {
      return false;
    }
    return true;
  }

  void add_acl_file(const Line& line, ReportLine& told) {
    const std::string name = own_name();
    told.note = "[[authorization]] kind = \"mosquitto\" with listeners";
    const std::size_t table = work_.toml.add_table("authorization", line.place());
    work_.toml.set(table, "name", {quoted(fmt::format("rules of {}", name)), line.place(), {}});
    work_.toml.set(table, "kind", {quoted("mosquitto"), line.place(), {}});
    work_.toml.set(table, "path", {quoted(line.value), line.place(), {}});
    work_.toml.set(table, "listeners", {quoted(std::vector<std::string>{name}), line.place(), {}});
    work_.toml.set(table, "lenient_subscribe", {"true", line.place(), {}});
    set("name", quoted(name), line);
  }

  bool add_limit(const Line& line) {
    if (line.key == "max_connections") {
      if (const auto number = work_.number(line, -1, kMost); number && *number > 0) {
        set("max_connections", fmt::format("{}", *number), line);
      }
    } else if (line.key == "max_qos") {
      if (const auto number = work_.number(line, 0, 2)) set("maximum_qos", fmt::format("{}", *number), line);
    } else if (line.key == "max_topic_alias") {
      if (const auto number = work_.number(line, 0, 65'535)) {
        set("topic_alias_maximum", fmt::format("{}", *number), line);
      }
    } else if (line.key == "max_topic_alias_broker") {
      if (const auto number = work_.number(line, 0, 65'535)) {
        work_.toml.set("limits.topic_alias_out_maximum",
                       {fmt::format("{}", *number), line.place(), "of all listeners"});
      }
    } else {
      return false;
    }
    return true;
  }

  bool add_transport(const Line& line, ReportLine& told) {
    if (line.key == "protocol") {
      if (line.value == "websockets") {
        set("protocol", quoted("ws"), line);
      } else if (line.value == "http_api") {
        told.fate = Fate::no_equal;
        told.note = "there is no such listener";
      } else if (line.value != "mqtt") {
        work_.error(line, "must be mqtt or websockets");
      }
    } else if (line.key == "socket_domain") {
      if (line.value != "ipv4" && line.value != "ipv6" && line.value != "unix")
        work_.error(line, "must be ipv4 or ipv6");
      if (!host_.empty() && host_ != "0.0.0.0" && host_ != "::") leave_out(told, "the address says it");
    } else if (line.key == "accept_protocol_versions") {
      add_versions(line);
    } else if (line.key == "enable_proxy_protocol") {
      if (const auto number = work_.number(line, 0, 2); number && *number > 0) set("proxy_protocol", "true", line);
    } else if (line.key == "websockets_origin") {
      origins_.push_back(line.value);
      set("websocket.origins", quoted(origins_), line);
    } else {
      return false;
    }
    return true;
  }

  // Protocol levels with commas between them: 3, 4 and 5.
  void add_versions(const Line& line) {
    std::vector<std::string> versions;
    for (const char c : line.value) {
      if (c == '3') versions.emplace_back("3.1");
      if (c == '4') versions.emplace_back("3.1.1");
      if (c == '5') versions.emplace_back("5.0");
      if (std::string_view("345, ").find(c) == std::string_view::npos) {
        return work_.error(line, "must be some of 3, 4 and 5 with commas between them");
      }
    }
    set("versions", quoted(versions), line);
  }

  void add_tls(const Line& line, ReportLine& told) {
    if (line.key == "tls_keyform") {
      if (line.value != "pem") told.fate = Fate::no_equal;
    } else if (line.key == "tls_version" && has_tls()) {
      if (line.value != "tlsv1.2" && line.value != "tlsv1.3") {
        told.fate = Fate::changed;
        told.note = "tls.min_version: TLS 1.2 is the oldest version that there is";
      }
      set("tls.min_version", quoted(line.value == "tlsv1.3" ? "1.3" : "1.2"), line);
    } else if (line.key == "cafile" || line.key == "capath" || line.key == "crlfile" ||
               line.key == "require_certificate") {
      add_client_certificates(line, told);
    } else if (line.key == "psk_hint") {
      if (!psk_file()) leave_out(told, "there is no psk_file");
    } else if (line.key == "psk_file") {
      if (!last("psk_hint")) leave_out(told, "without psk_hint the listener takes no pre-shared keys");
    }
  }

  // Mosquitto asks for a certificate only if it requires one.
  void add_client_certificates(const Line& line, ReportLine& told) {
    if (line.key == "require_certificate" && !work_.flag(line)) return;
    if (!has_certificate()) return leave_out(told, "a listener needs certfile and keyfile for TLS");
    if (line.key == "require_certificate") {
      if (on(line.key)) set("tls.require_certificate", "true", line);
    } else if (!on("require_certificate")) {
      leave_out(told, "without require_certificate clients are not asked for certificates");
    } else {
      const std::string_view option = line.key == "cafile"   ? "tls.client_ca"
                                      : line.key == "capath" ? "tls.client_ca_dir"
                                                             : "tls.crl";
      set(option, quoted(line.value), line);
    }
  }

  // Users of other listeners are not this one's.
  void write_authentication() {
    if (!work_.conf.per_listener_settings || last("password_file")) return;
    work_.toml.set(table_, "authentication", {quoted(std::vector<std::string>{"none"}), {}, "it has no password_file"});
  }

  void write_tls() {
    const Line* file = psk_file();
    if (!file) return;
    set("tls.psk_file", quoted(file->value), *file);
    set("tls.psk_hint", quoted(last("psk_hint")->value), *last("psk_hint"));
  }

  void write_identity() {
    const bool identity = on("use_identity_as_username");
    if (!identity && !on("use_subject_as_username")) return;
    const Line& line = *last(identity ? "use_identity_as_username" : "use_subject_as_username");
    const bool verified = on("require_certificate") && has_certificate() && (last("cafile") || last("capath"));
    if (verified || psk_file()) return set("identity", quoted(identity ? "common_name" : "subject"), line);
    for (ReportLine& told : work_.report) {
      if (told.place == line.place()) leave_out(told, "it needs require_certificate with cafile, or psk_hint");
    }
  }

  void write_websocket() {
    const Line* protocol = last("protocol");
    if (!protocol || protocol->value != "websockets") return;
    set("websocket.path", quoted("*"), *protocol, "any, as in Mosquitto");
    if (work_.websocket_header_bytes.value_or(0) == 0) return;
    const std::int64_t bytes = std::clamp<std::int64_t>(*work_.websocket_header_bytes, 1'024, 1'048'576);
    set("websocket.max_header", fmt::format("{}", bytes), *protocol);
  }

  void note_openness() {
    const Line* own = last("listener_allow_anonymous") ? last("listener_allow_anonymous") : last("allow_anonymous");
    const bool anonymous = own ? on(own->key) : work_.allow_anonymous;
    const bool local = is_loopback_address(host_) || host_ == "localhost" || listener_.opening.value.starts_with("0 /");
    if (anonymous && !local) work_.open_to_others = true;
  }

  Work& work_;
  const Listener& listener_;
  std::map<std::string, const Line*, std::less<>> last_;
  std::size_t table_ = 0;
  std::string host_;
  std::vector<std::string> origins_;
};

void add_local_listeners(Work& work) {
  std::vector<std::uint16_t> ports = work.ports;
  if (ports.empty()) ports.push_back(kDefaultPort);
  for (const std::uint16_t port : ports) {
    const std::size_t table = work.toml.add_table("listener", {});
    work.toml.set(table, "address",
                  {quoted(fmt::format("127.0.0.1:{}", port)), {}, "without a listener only this machine may connect"});
  }
  // Mosquitto starts listeners of its own then, and what the file says of the default one is not for them.
  for (const Line& line : work.conf.default_listener.lines) {
    ReportLine& told = work.tell(line);
    told.fate = Fate::changed;
    told.note = "left out: without a listener or port Mosquitto does not use it either";
  }
}

}  // namespace

bool uses_default_listener(const Conf& conf) {
  const auto& lines = conf.default_listener.lines;
  // So does Mosquitto 2.0: these two alone do not open it.
  return std::any_of(lines.begin(), lines.end(), [](const Line& line) {
    return line.key != "max_topic_alias" && (line.key != "protocol" || line.value != "mqtt");
  });
}

void translate_listeners(Work& work) {
  if (work.local_only) {
    add_local_listeners(work);
  } else {
    if (uses_default_listener(work.conf)) ListenerWork(work, work.conf.default_listener).run();
    for (const Listener& listener : work.conf.listeners) ListenerWork(work, listener).run();
  }
  if (!work.open_to_others) return;
  work.toml.set("auth.allow_anonymous_public",
                {"true", {}, "strangers from other machines may connect, as they could"});
}

}  // namespace martlet::server::mosquitto
