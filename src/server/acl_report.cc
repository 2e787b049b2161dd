#include "server/acl_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace martlet::server {
namespace {

using auth::AccessChain;
using auth::AccessOpinion;

constexpr std::size_t kShownSteps = 20;

const auth::Explanation* deciding(const AccessChain::Explained& explained) {
  if (explained.sources.empty()) return nullptr;
  const auth::Explanation& last = explained.sources.back().explanation;
  return last.opinion.kind == AccessOpinion::Kind::unknown ? nullptr : &last;
}

std::string_view to_text(AccessOpinion::Kind kind) {
  switch (kind) {
    case AccessOpinion::Kind::allow:
      return "allow";
    case AccessOpinion::Kind::deny:
      return "deny";
    case AccessOpinion::Kind::pending:
      return "pending";
    case AccessOpinion::Kind::unknown:
      break;
  }
  return "unknown";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json_string(out, text, kAllChars);
  return out + "\"";
}

}  // namespace

std::string explained_text(const AccessChain::Explained& explained, bool all) {
  std::string out = explained.decision.allowed ? "allowed" : "denied";
  const std::string_view rule = explained.decision.rule;
  if (rule.empty()) {
    out += ": no rule is about it\n";
  } else {
    out += fmt::format(": {}\n", rule);
  }
  const auth::Explanation* decided = deciding(explained);
  if (decided && !decided->text.empty()) out += fmt::format("  {}\n", decided->text);
  for (const auto& source : explained.sources) {
    const auto& passed = source.explanation.passed;
    if (passed.empty()) continue;
    out += fmt::format("passed in {}:\n", source.name);
    const std::size_t shown = all ? passed.size() : std::min(passed.size(), kShownSteps);
    for (std::size_t i = 0; i < shown; ++i) {
      out += fmt::format("  {}: {}\n    {}\n", passed[i].rule, passed[i].text, passed[i].why);
    }
    if (shown < passed.size()) out += fmt::format("  and {} more (--all shows them)\n", passed.size() - shown);
  }
  return out;
}

std::string explained_json(const AccessChain::Explained& explained) {
  const auth::Explanation* decided = deciding(explained);
  std::string out = fmt::format("{{\"allowed\":{},\"rule\":{},\"text\":{},\"sources\":[", explained.decision.allowed,
                                quoted(explained.decision.rule), quoted(decided ? decided->text : ""));
  std::string_view between_sources;
  for (const auto& source : explained.sources) {
    out += fmt::format("{}{{\"name\":{},\"opinion\":\"{}\",\"passed\":[", between_sources, quoted(source.name),
                       to_text(source.explanation.opinion.kind));
    between_sources = ",";
    std::string_view between_steps;
    for (const auto& step : source.explanation.passed) {
      out += fmt::format("{}{{\"rule\":{},\"text\":{},\"why\":{}}}", between_steps, quoted(step.rule),
                         quoted(step.text), quoted(step.why));
      between_steps = ",";
    }
    out += "]}";
  }
  return out + "]}\n";
}

}  // namespace martlet::server
