// The command line of `martlet acl`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "auth/access_source.h"
#include "auth/options.h"
#include "server/command_line.h"

namespace martlet::server {

struct AclArguments {
  enum class Task : std::uint8_t { explain, check };
  Task task = Task::explain;
  std::string config;          // path of a configuration, in place of `source`
  auth::AccessOptions source;  // kind and path

  // explain: who asks for what
  std::string user;
  std::string client;
  std::vector<std::string> groups;
  std::string address;
  std::string certificate;
  std::string listener;
  auth::Action action = auth::Action::publish;
  std::string topic;  // without $share/GROUP/
  wire::QoS qos = wire::QoS::at_most_once;
  bool retain = false;
  bool json = false;
  bool all = false;  // the whole way to the decision
};

using ParsedAclArguments = ParsedCommand<AclArguments>;

// `argv[0]` is the name that the help shows.
ParsedAclArguments parse_acl_arguments(int argc, char** argv);

}  // namespace martlet::server
