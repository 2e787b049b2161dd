// Decides by Mosquitto's acl_file as Mosquitto does (docs/access.md).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/access_filter_index.h"
#include "auth/access_mosquitto_parser.h"
#include "auth/access_source.h"

namespace martlet::auth {

// A client's own rules are asked first, then the patterns; in both, denials before all others. A client identifier or
// user name with '+' or '#' gets nothing of the patterns, and is denied.
class AccessMosquitto final : public AccessSource {
 public:
  // `lenient_subscribe`: every SUBSCRIBE is allowed, and what a client may not read is kept from it at delivery, as
  // Mosquitto does; this source then decides on all that is received. Else a subscription needs a rule for reading that
  // covers it.
  AccessMosquitto(MosquittoAcl acl, std::string_view file_name, std::string name, bool lenient_subscribe);
  AccessMosquitto(const AccessMosquitto&) = delete;
  AccessMosquitto& operator=(const AccessMosquitto&) = delete;

  std::string_view name() const override { return name_; }
  bool checks_receive() const override { return lenient_subscribe_ || has_denials_; }
  AccessOpinion check(const broker::Actor& actor, const AccessQuestion& question) override;
  Explanation explain(const broker::Actor& actor, const AccessQuestion& question) override;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // Rules in the order in which they decide.
  struct List {
    std::vector<MosquittoAcl::Rule> rules;
    std::vector<const char*> names;
    AccessFilterIndex reading;
    AccessFilterIndex writing;
  };

  void fill(List& list, std::vector<MosquittoAcl::Rule> rules, std::string_view file_name, bool patterns);
  const List* own_list(const broker::Actor& actor) const;
  // The number of the rule of `list` that decides, or AccessFilterIndex::kNone.
  std::uint32_t find(const List& list, const broker::Actor& actor, const AskedTopic& asked, Action action) const;
  const char* danger(const broker::Actor& actor) const;
  // What is decided without a rule.
  AccessOpinion without_rule(Action action) const;

  std::string name_;
  bool lenient_subscribe_;
  bool has_denials_ = false;
  const char* subscribe_name_;  // of the opinions that no rule stands for
  const char* nothing_name_;
  const char* dangerous_client_name_;
  const char* dangerous_user_name_;
  List anonymous_;
  std::unordered_map<std::string, List, TextHash, std::equal_to<>> users_;
  List patterns_;
};

}  // namespace martlet::auth
