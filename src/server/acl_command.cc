#include "server/acl_command.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "auth/grants.h"
#include "auth/make_access.h"
#include "env/posix/system.h"
#include "server/acl_arguments.h"
#include "server/acl_report.h"

namespace martlet::server {
namespace {

constexpr int kAllowedExit = 0;
constexpr int kDeniedExit = 1;
constexpr int kBadExit = 2;

auth::AccessChain::Explained explain(const auth::AccessChain& chain, const AclArguments& arguments) {
  PeerFacts peer;
  peer.certificate_name = arguments.certificate;
  auth::ClientGrants grants;
  grants.groups = arguments.groups;
  broker::Actor actor;
  actor.client_id = arguments.client;
  actor.username = arguments.user;
  actor.peer_address = arguments.address;
  actor.peer = &peer;
  actor.grants = &grants;
  return chain.explain(actor, {arguments.action, arguments.topic, arguments.qos, arguments.retain});
}

}  // namespace

int acl_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  const auto say = [&](env::Handle stream, std::string_view text) {
    static_cast<void>(files->write_stream(stream, as_bytes(text)));
  };
  const ParsedAclArguments parsed = parse_acl_arguments(argc, argv);
  if (parsed.exit_code) {
    say(*parsed.exit_code == 0 ? env::Handle::standard_output : env::Handle::standard_error, parsed.message);
    return *parsed.exit_code;
  }
  const AclArguments& arguments = parsed.arguments;
  auth::AuthOptions options;
  options.access.push_back(arguments.source);
  // The actor's listener_index is 0.
  options.listeners.emplace_back().name = arguments.listener;
  const auto chain = auth::make_access_chain(options, {*files});
  if (!chain) {
    say(env::Handle::standard_error, fmt::format("martlet acl: {}\n", chain.error().message));
    return kBadExit;
  }
  if (arguments.task == AclArguments::Task::check) {
    say(env::Handle::standard_output, fmt::format("{}: in order\n", arguments.source.path));
    return kAllowedExit;
  }
  const auto explained = explain(**chain, arguments);
  say(env::Handle::standard_output,
      arguments.json ? explained_json(explained) : explained_text(explained, arguments.all));
  return explained.decision.allowed ? kAllowedExit : kDeniedExit;
}

}  // namespace martlet::server
