#include "server/acl_command.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/grants.h"
#include "auth/make_access.h"
#include "env/posix/system.h"
#include "server/acl_arguments.h"
#include "server/acl_report.h"
#include "server/command_line.h"
#include "server/config/complete.h"
#include "server/config/load.h"

namespace martlet::server {
namespace {

constexpr int kAllowedExit = 0;
constexpr int kDeniedExit = 1;
constexpr int kBadExit = 2;

constexpr std::size_t kMostConfigBytes = 4 * 1024 * 1024;

// What a configuration asks, in its order. A service is not asked: what it would say is its own.
Result<std::vector<auth::AccessOptions>> sources_of(const std::string& path, env::Files& files) {
  const auto text = files.read_all(path, kMostConfigBytes);
  if (!text) return tl::unexpected(text.error());
  ServerConfig config;
  ConfigErrors errors = apply_toml(config, *text, path);
  if (errors.empty()) errors = complete_config(config);
  if (!errors.empty()) return fail(errors.front());
  std::vector<auth::AccessOptions> sources = config.auth.access;
  std::erase_if(sources, [](const auth::AccessOptions& one) { return one.kind == auth::AccessKind::http; });
  if (sources.empty())
    return fail(fmt::format("{}: no [[authorization]] table has rules: everybody may do everything", path));
  return sources;
}

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
  if (parsed.exit_code) return show(parsed, *files);
  const AclArguments& arguments = parsed.arguments;
  auth::AuthOptions options;
  if (arguments.config.empty()) {
    options.access.push_back(arguments.source);
  } else if (auto sources = sources_of(arguments.config, *files)) {
    options.access = std::move(*sources);
  } else {
    say(env::Handle::standard_error, fmt::format("martlet acl: {}\n", sources.error().message));
    return kBadExit;
  }
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
