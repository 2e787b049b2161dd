#include "server/acl_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/nearest.h"
#include "base/network_range.h"
#include "base/printable.h"
#include "topic/filter.h"
#include "topic/name.h"

namespace martlet::server {
namespace {

constexpr std::string_view kActions[] = {"publish", "subscribe", "receive"};

// What the command line says, before it is understood.
struct Words {
  std::string rules;
  std::string mosquitto_acl;
  std::string checked;
  std::string kind;
  std::string action;
  unsigned qos = 0;
};

CLI::App* describe_explain(CLI::App& app, AclArguments& arguments, Words& words) {
  CLI::App* explain = app.add_subcommand("explain", "Say whether a client may do something, and which rule decides");
  explain->add_option("ACTION", words.action, "publish, subscribe or receive")->required();
  explain->add_option("TOPIC", arguments.topic, "The topic; of subscribe the filter")->required();
  explain->add_option("--config", arguments.config, "A configuration: all its [[authorization]] tables but http")
      ->type_name("FILE");
  explain->add_option("--rules", words.rules, "A rules file of Martlet")->type_name("FILE");
  explain->add_option("--mosquitto-acl", words.mosquitto_acl, "An acl_file of Mosquitto")->type_name("FILE");
  explain->add_flag("--lenient-subscribe", arguments.source.lenient_subscribe,
                    "With --mosquitto-acl: SUBSCRIBE is always allowed, as Mosquitto does");
  explain->add_option("--user", arguments.user, "The user name; without it the client is anonymous");
  explain->add_option("--client", arguments.client, "The client identifier");
  explain->add_option("--group", arguments.groups, "A group of the client; may be repeated")->take_all();
  explain->add_option("--address", arguments.address, "Where it comes from");
  explain->add_option("--certificate", arguments.certificate, "The common name of its certificate")->type_name("CN");
  explain->add_option("--listener", arguments.listener, "The listener it came through")->type_name("NAME");
  explain->add_option("--qos", words.qos, "QoS of the message or the subscription (default 0)")
      ->check(CLI::Range(0u, 2u));
  explain->add_flag("--retain", arguments.retain, "The message is to be retained");
  explain->add_flag("--json", arguments.json, "Print one JSON object");
  explain->add_flag("--all", arguments.all, "Show every rule that was passed, however many");
  explain->footer("\nExit codes: 0 allowed, 1 denied, 2 bad usage or a bad file.");
  return explain;
}

CLI::App* describe_check(CLI::App& app, Words& words) {
  CLI::App* check = app.add_subcommand("check", "Say what is wrong with a file");
  check->add_option("FILE", words.checked, "A rules file (.toml), or an acl_file of Mosquitto")->required();
  check->add_option("--kind", words.kind, "What it is, whatever its name")
      ->type_name("rules|mosquitto")
      ->check(CLI::IsMember({"rules", "mosquitto"}));
  check->footer("\nExit codes: 0 in order, 2 bad usage or a bad file.");
  return check;
}

// What is wrong with it; empty if nothing.
std::string check_topic(AclArguments& arguments) {
  if (arguments.action != auth::Action::subscribe) {
    const topic::Validity validity = topic::check_name(arguments.topic);
    if (validity == topic::Validity::ok) return {};
    return fmt::format("bad topic \"{}\": {}", printable(arguments.topic), to_text(validity));
  }
  const auto parsed = topic::parse_filter(arguments.topic);
  if (!parsed) {
    return fmt::format("bad topic filter \"{}\": {}", printable(arguments.topic), to_text(parsed.error()));
  }
  arguments.topic = std::string(parsed->filter);
  return {};
}

std::string understand_explain(AclArguments& arguments, const Words& words) {
  arguments.task = AclArguments::Task::explain;
  if (words.rules.empty() + words.mosquitto_acl.empty() + arguments.config.empty() != 2) {
    return "give one of --config FILE, --rules FILE and --mosquitto-acl FILE";
  }
  arguments.source.kind = words.rules.empty() ? auth::AccessKind::mosquitto : auth::AccessKind::rules;
  arguments.source.path = words.rules.empty() ? words.mosquitto_acl : words.rules;
  const auto* action = std::ranges::find(kActions, words.action);
  if (action == std::end(kActions)) {
    return fmt::format("unknown action \"{}\"{}", printable(words.action), suggestion(words.action, kActions));
  }
  arguments.action = static_cast<auth::Action>(action - std::begin(kActions));
  arguments.qos = static_cast<wire::QoS>(words.qos);
  if (!arguments.address.empty() && !parse_network_address(arguments.address)) {
    return fmt::format("\"{}\" is no address", printable(arguments.address));
  }
  return check_topic(arguments);
}

void understand_check(AclArguments& arguments, const Words& words) {
  arguments.task = AclArguments::Task::check;
  const bool rules = words.kind.empty() ? words.checked.ends_with(".toml") : words.kind == "rules";
  arguments.source.kind = rules ? auth::AccessKind::rules : auth::AccessKind::mosquitto;
  arguments.source.path = words.checked;
}

}  // namespace

ParsedAclArguments parse_acl_arguments(int argc, char** argv) {
  AclArguments arguments;
  Words words;
  CLI::App app("Looks into the rules of who may do what.", argv[0]);
  const CLI::App* explain = describe_explain(app, arguments, words);
  describe_check(app, words);
  app.require_subcommand(1);
  const auto understand = [&]() -> std::string {
    if (explain->parsed()) return understand_explain(arguments, words);
    understand_check(arguments, words);
    return {};
  };
  CommandEnd end = read_command_line(app, argc, argv, understand);
  return {std::move(end), std::move(arguments)};
}

}  // namespace martlet::server
