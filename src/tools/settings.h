// What the options of `martlet pub` and `martlet sub` say, before anything is done with it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/properties.h"
#include "wire/types.h"

namespace martlet::tools {

// What stands behind an option on the command line.
using Values = std::span<const std::string_view>;

// Bits of OptionRow::tools.
enum Tool : unsigned { kPub = 1, kSub = 2, kBoth = 3 };

enum class MessageSource : std::uint8_t { none, text, file, stdin_whole, stdin_lines, empty };

struct Settings {
  Tool tool = kPub;

  // Connection
  std::string host = "localhost";
  std::optional<std::uint16_t> port;
  std::optional<std::string> username;
  std::optional<std::string> password;
  std::string client_id;
  std::optional<std::string> client_id_prefix;
  std::optional<wire::ProtocolVersion> version;
  std::uint16_t keep_alive_s = 60;
  bool clean_start = true;
  std::optional<std::uint32_t> session_expiry_s;
  std::optional<std::uint16_t> receive_maximum;
  std::optional<std::uint32_t> max_packet_bytes;
  std::optional<std::uint16_t> topic_alias_maximum;
  std::uint16_t max_in_flight = 0;  // 0: the client's default
  const char* needs_v5 = nullptr;   // the first option that only 5.0 can do

  // Topics: pub has one
  std::vector<std::string> topics;
  std::vector<std::string> filtered_out;
  std::vector<std::string> unsubscribes;
  wire::QoS qos = wire::QoS::at_most_once;

  // pub
  MessageSource source = MessageSource::none;
  std::string message;
  std::string file;
  bool retain = false;
  std::uint64_t repeat = 1;
  std::int64_t repeat_delay_ms = 0;

  // sub
  std::uint64_t count = 0;  // 0: no limit
  std::optional<std::uint32_t> timeout_s;
  bool skip_retained = false;
  bool retained_only = false;
  bool remove_retained = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;
  bool exit_after_subscribe = false;
  double shown_percent = 100;

  // Output
  bool verbose = false;
  bool end_of_line = true;
  std::optional<std::string> format;
  bool pretty = false;
  bool debug = false;
  bool quiet = false;
  bool help = false;

  // Will
  std::optional<std::string> will_topic;
  std::string will_payload;
  wire::QoS will_qos = wire::QoS::at_most_once;
  bool will_retain = false;
  bool has_will_option = false;

  // Properties by packet (-D)
  wire::PropertyWriter connect_properties;
  wire::PropertyWriter publish_properties;
  wire::PropertyWriter will_properties;
  wire::PropertyWriter subscribe_properties;
  wire::PropertyWriter unsubscribe_properties;
  wire::PropertyWriter disconnect_properties;
};

}  // namespace martlet::tools
