#include "server/control/questions.h"

#include <nlohmann/json.hpp>

#include "build_info.h"
#include "server/control/readable.h"

namespace martlet::server {
namespace {

using nlohmann::json;

json refusal(std::string_view why) {
  return {{"ok", false}, {"error", why}};
}

json of_report(const ReloadReport& report) {
  if (!report.ok()) return {{"ok", false}, {"error", report.errors}, {"note", "nothing was changed"}};
  json answer = {{"ok", true}, {"changed", report.changed}};
  if (!report.restart.empty()) answer["needs_restart"] = report.restart;
  return answer;
}

json status(const ControlParts& parts) {
  const broker::Commons& commons = parts.cores.loop(0).broker().commons();
  return {{"ok", true},
          {"version", std::string(version())},
          {"uptime_s", (parts.clock.now().wall_ms - parts.started_wall_ms) / 1000},
          {"threads", parts.cores.count()},
          {"clients", commons.clients_connected.load()},
          {"sessions", commons.sessions.load()}};
}

json bans(const ControlParts& parts) {
  json rows = json::array();
  for (const Ban& ban : parts.admission.bans(parts.clock.now())) {
    rows.push_back({{ban.is_client ? "client" : "address", ban.who},
                    {"seconds_left", (ban.left_ms + 999) / 1000},
                    {"because", ban.why}});
  }
  return {{"ok", true}, {"ban", rows}};
}

json unban(const ControlParts& parts, const std::string& who) {
  if (parts.admission.lift(who, parts.clock.now())) return {{"ok", true}};
  return refusal("no address or client of that name is banned: see martlet ctl bans");
}

const char* action_name(auth::Action action) {
  switch (action) {
    case auth::Action::publish:
      return "publish";
    case auth::Action::subscribe:
      return "subscribe";
    case auth::Action::receive:
      break;
  }
  return "receive";
}

json shadow(const ControlParts& parts) {
  const auth::AccessChain& chain = *parts.reloader.access().authorization;
  if (!chain.has_shadow()) return refusal("no [[authorization]] table has shadow = true");
  json rows = json::array();
  for (const auth::ShadowDifference& one : chain.differences()) {
    rows.push_back({{one.is_user ? "user" : "client", one.who},
                    {"action", action_name(one.action)},
                    {"would", one.would_allow ? "allow" : "deny"},
                    {"topic", one.topic},
                    {"rule", one.rule},
                    {"count", one.count}});
  }
  return {{"ok", true}, {"difference", rows}, {"not_listed", chain.missed_differences()}};
}

json answer_to(const json& question, const ControlParts& parts) {
  const auto text = [&](const char* name) {
    const auto at = question.find(name);
    return at != question.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const std::string command = text("command");
  if (command == "reload") return of_report(parts.reload());
  if (command == "status") return status(parts);
  if (command == "bans") return bans(parts);
  if (command == "unban") return unban(parts, text("who"));
  if (command == "shadow") return shadow(parts);
  return refusal("this broker does not know the command");
}

}  // namespace

std::string answer_question(std::string_view question, const ControlParts& parts) {
  const json parsed = json::parse(question, nullptr, false);
  return safe_json(parsed.is_object() ? answer_to(parsed, parts) : refusal("a question is a JSON object"));
}

}  // namespace martlet::server
