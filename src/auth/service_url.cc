#include "auth/service_url.h"

#include <curl/curl.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

namespace martlet::auth {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::optional<std::string> part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_URLDECODE) != CURLUE_OK) return std::nullopt;
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

Result<ServiceUrl> parse_service_url(std::string_view text) {
  if (text.empty()) return fail("url: is not set; give the service's");
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  // curl takes a text without scheme for a host.
  if (text.find("://") == std::string_view::npos ||
      curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return fail("url: is no URL; write SCHEME://HOST[:PORT][/PATH]");
  if (part_of(url.get(), CURLUPART_PASSWORD))
    return fail("url: holds a password, which logs would show; put it in a file");
  if (part_of(url.get(), CURLUPART_FRAGMENT)) return fail("url: has a fragment (#...), which is never sent; remove it");
  ServiceUrl parts;
  parts.scheme = part_of(url.get(), CURLUPART_SCHEME).value_or("");
  parts.user = part_of(url.get(), CURLUPART_USER).value_or("");
  parts.host = part_of(url.get(), CURLUPART_HOST).value_or("");
  parts.path = part_of(url.get(), CURLUPART_PATH).value_or("");
  parts.has_query = part_of(url.get(), CURLUPART_QUERY).has_value();
  // curl has checked that it is a number up to 65535.
  parts.port = static_cast<std::uint16_t>(std::atoi(part_of(url.get(), CURLUPART_PORT).value_or("0").c_str()));
  if (parts.host.starts_with('[') && parts.host.ends_with(']'))
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  if (parts.host.empty()) return fail("url: names no host; write SCHEME://HOST[:PORT][/PATH]");
  return parts;
}

}  // namespace martlet::auth
