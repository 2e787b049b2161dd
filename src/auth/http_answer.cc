#include "auth/http_answer.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "auth/acl_json.h"
#include "base/result.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxNameBytes = 65'535;
constexpr std::int64_t kMaxExpirySeconds = 253'402'300'799;  // the end of the year 9999

// The member `name`; null if it is not there or JSON's null.
const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> read_name(const json& value, const char* what) {
  if (!value.is_string()) return fail(fmt::format("{} is no text", what));
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() > kMaxNameBytes || !wire::valid_text(text)) return fail(fmt::format("{} is no MQTT text", what));
  return text;
}

Result<void> read_groups(const json& value, ClientGrants& grants) {
  if (!value.is_array()) return fail("groups is no list");
  for (const json& item : value) {
    auto name = read_name(item, "a group");
    if (!name) return tl::unexpected(name.error());
    if (!name->empty()) grants.groups.push_back(std::move(*name));
  }
  return {};
}

Result<ClientGrants> read_grants(const json& object) {
  ClientGrants grants;
  if (const json* superuser = member(object, "is_superuser")) {
    if (!superuser->is_boolean()) return fail("is_superuser is neither true nor false");
    grants.superuser = superuser->get<bool>();
  }
  if (const json* groups = member(object, "groups")) {
    if (auto read = read_groups(*groups, grants); !read) return tl::unexpected(read.error());
  }
  if (const json* acl = member(object, "acl")) {
    if (auto read = parse_acl_rules(*acl, grants); !read) return tl::unexpected(read.error());
  }
  return grants;
}

// In milliseconds; 0: never.
Result<std::int64_t> read_expiry(const json& object) {
  const json* const value = member(object, "expire_at");
  if (value == nullptr) return 0;
  if (!value->is_number_integer()) return fail("expire_at is no number of seconds");
  // A number above the signed range comes as unsigned.
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{kMaxExpirySeconds})
    return fail("expire_at is out of range");
  const auto seconds = value->get<std::int64_t>();
  if (seconds <= 0) return fail("expire_at is out of range");
  return seconds * 1'000;
}

Result<Opinion> read_allowance(const json& object, std::int64_t wall_ms) {
  Opinion opinion = Opinion::allow();
  if (const json* username = member(object, "username")) {
    auto name = read_name(*username, "username");
    if (!name) return tl::unexpected(name.error());
    opinion.username = std::move(*name);
  }
  auto grants = read_grants(object);
  if (!grants) return tl::unexpected(grants.error());
  opinion.grants = std::make_shared<const ClientGrants>(std::move(*grants));
  const auto expiry_ms = read_expiry(object);
  if (!expiry_ms) return tl::unexpected(expiry_ms.error());
  if (*expiry_ms != 0 && *expiry_ms <= wall_ms) return Opinion::refuse("allowed until a time that is over");
  opinion.until_wall_ms = *expiry_ms;
  return opinion;
}

Asked read_body(std::string_view body, std::int64_t wall_ms) {
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return Asked::useless("answered 200 with something else than a JSON object");
  const json* const result = member(object, "result");
  if (result != nullptr && *result == "deny") return {Opinion::refuse("denied")};
  if (result != nullptr && *result == "ignore") return {Opinion::unknown()};
  if (result == nullptr || *result != "allow")
    return Asked::useless("answered without \"result\": \"allow\", \"deny\" or \"ignore\"");
  auto opinion = read_allowance(object, wall_ms);
  if (!opinion) return Asked::useless(fmt::format("bad answer: {}", opinion.error().message));
  return {std::move(*opinion)};
}

}  // namespace

Asked read_http_answer(const HttpAnswer& answer, std::int64_t wall_ms) {
  if (answer.too_large) return Asked::useless(fmt::format("answered with more than {} bytes", kMaxHttpAnswerBytes));
  const long status = answer.status;
  switch (status) {
    case 200:
      return read_body(answer.body, wall_ms);
    case 204:
      return {Opinion::allow()};
    case 401:
    case 403:
      return {Opinion::refuse(fmt::format("denied (status {})", status))};
    case 502:
    case 503:
    case 504:
      return Asked::unreached(fmt::format("answered with status {}", status));
    default:
      return Asked::useless(fmt::format("answered with status {}", status));
  }
}

}  // namespace martlet::auth
