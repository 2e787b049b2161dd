// Everything that an operator can set of a broker process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/options.h"
#include "broker/options.h"
#include "env/endpoint.h"
#include "env/posix/system.h"
#include "net/reactor.h"
#include "net/tls_options.h"
#include "net/websocket_options.h"
#include "server/admission/options.h"
#include "server/log.h"
#include "wire/types.h"

namespace martlet::server {

inline constexpr std::uint16_t kDefaultPort = 1883;

// In place of a data directory: nothing outlives the process. In place of the control socket's path: there is none.
inline constexpr std::string_view kNoData = "none";
inline constexpr std::string_view kNoControl = "none";

// A listener's address that begins with it is the path of a Unix socket.
inline constexpr std::string_view kUnixPrefix = "unix:";

enum class ListenerProtocol : std::uint8_t { mqtt, ws };

// Whether what TLS found out about a client is its user name, and which part.
enum class ListenerIdentity : std::uint8_t { none, common_name, subject, fingerprint };

struct ListenerConfig {
  std::string name;            // for logs and rules; empty: its address
  std::string address;         // as written, see env::parse_endpoint; or "unix:" and a path
  std::string interface = {};  // network device that connections have to come through; empty: any
  ListenerProtocol protocol = ListenerProtocol::mqtt;
  std::vector<std::string> versions = {};  // "3.1", "3.1.1", "5.0"; empty: all
  std::string mount_point = {};
  bool proxy_protocol = false;                  // each connection begins with a PROXY header (v1 or v2)
  std::vector<std::string> proxy_trusted = {};  // ranges of addresses that may send one; empty: all that connect
  // Unset: as the broker's limits say.
  std::uint32_t max_connections = 0;  // 0: no limit of its own
  std::optional<std::uint32_t> max_packet_bytes = {};
  std::optional<std::uint16_t> receive_maximum = {};
  std::optional<std::uint16_t> topic_alias_maximum = {};
  std::optional<wire::QoS> maximum_qos = {};
  std::optional<std::uint16_t> max_keep_alive_s = {};
  std::optional<bool> retain_available = {};
  std::optional<bool> allow_anonymous = {};      // unset: as auth.allow_anonymous
  std::vector<std::string> authentication = {};  // names of providers; empty: all
  bool username_as_client_id = false;
  ListenerIdentity identity = ListenerIdentity::none;
  std::uint32_t unix_mode = 0660;  // permissions of a Unix socket
  net::TlsOptions tls = {};
  net::WebSocketOptions websocket = {};

  bool is_unix() const { return address.starts_with(kUnixPrefix); }
};

struct AuthConfig {
  std::optional<bool> allow_anonymous;  // unset: if there is no provider
  bool allow_anonymous_public = false;
  bool unchecked_user_names = false;
  std::uint32_t workers = 4;
  std::uint32_t max_waiting = 10'000;
  std::vector<auth::ProviderOptions> providers;
  std::vector<auth::AccessOptions> access;
  std::vector<std::string> coming_listeners = {};  // auth::AuthOptions'; of a reload
};

struct ServerConfig {
  std::vector<ListenerConfig> listeners;  // never empty once checked
  std::string data_dir;                   // or kNoData; once complete never empty
  bool data_dir_is_default = false;       // nobody has named it
  bool skip_damaged = false;
  std::uint32_t threads = 0;  // 0: one for each processor
  bool pin_threads = false;
  env::posix::Polling io = env::posix::Polling::epoll;
  std::string user;     // that the process becomes once it listens; empty: it stays who it is
  std::string group;    // empty: the user's
  std::string control;  // path of the control socket, or kNoControl; empty: see control_path()
  AuthConfig auth;
  AbuseOptions abuse;
  LogOptions log;
  broker::BrokerOptions broker;
  net::ReactorOptions reactor;
  // Where what was set was set: "broker.toml:7", "$MARTLET_LOG_LEVEL" or "--set", by the option's name; of a table of
  // an array its heading ("listener[0]") and its keys ("listener[0].address").
  std::map<std::string, std::string, std::less<>> places;
  std::vector<std::string> notes;  // what the log has to say about the configuration's origin, a line each

  bool keeps_data() const { return data_dir != kNoData; }
  // Of the control socket, in the data directory if nobody named it; empty: there is none.
  std::string control_path() const {
    if (control == kNoControl) return {};
    if (!control.empty()) return control;
    return keeps_data() ? data_dir + "/control.sock" : std::string();
  }
};

}  // namespace martlet::server
