// Martlet's own rules: who may publish, subscribe and receive what; the first rule that fits decides (docs/access.md).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/access_filter_index.h"
#include "auth/access_rule.h"
#include "auth/access_rule_match.h"
#include "auth/access_source.h"

namespace martlet::auth {

class AccessRules final : public AccessSource {
 public:
  // `file_name`: what rules are called by, "FILE:LINE". `listeners`: names by listener_index.
  AccessRules(AccessRuleFile file, std::string_view file_name, std::string name, std::vector<std::string> listeners);
  // The indexes point into the rules.
  AccessRules(const AccessRules&) = delete;
  AccessRules& operator=(const AccessRules&) = delete;

  std::string_view name() const override { return name_; }
  // If a rule denies receiving or subscribing: a wider subscription was let pass, and brings what is denied.
  bool checks_receive() const override { return checks_receive_; }
  AccessOpinion check(const broker::Actor& actor, const AccessQuestion& question) override;
  Explanation explain(const broker::Actor& actor, const AccessQuestion& question) override;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

  // The rules for those who share a literal user name, client identifier or group, by action.
  struct Bucket {
    AccessFilterIndex actions[3];
  };
  // How a rule is called in opinions.
  struct Names {
    const char* rule = "";
    const char* bad_user = "";
    const char* bad_client = "";
    const char* bad_group = "";

    const char* of(Filling filling) const;
  };

  AccessAsker asker_for(const broker::Actor& actor) const;
  void name_rule(const AccessRule& rule, std::string_view file_name);
  void index_rule(std::uint32_t number);
  void add_to(Bucket& bucket, std::uint32_t number) const;
  // Calls `visit(bucket)` for each that may have rules for the asker.
  static FilterMatch match_rule(const AccessRule& rule, const AskedTopic& asked, const AccessAsker& asker,
                                Action action);
  // Why a rule for this client is not for this topic.
  static std::string_view why_passed(const AccessRule& rule, const AccessAsker& asker, const AccessQuestion& question);
  template <class Visit>
  void each_bucket(const AccessAsker& asker, const Visit& visit) const;

  AccessRuleFile file_;
  std::string name_;
  std::vector<std::string> listeners_;
  std::vector<Names> names_;  // as file_.rules
  Bucket everyone_;
  ByText<Bucket> by_user_;
  ByText<Bucket> by_client_;
  ByText<Bucket> by_group_;
  ByText<std::vector<std::string>> groups_of_user_;
  bool checks_receive_ = false;
};

}  // namespace martlet::auth
