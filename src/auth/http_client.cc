#include "auth/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "auth/secret_file.h"
#include "auth/service_url.h"

namespace martlet::auth {
namespace {

constexpr std::size_t kMaxIdleHandles = 32;

struct CloseHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CloseHandle>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

Result<void> check_url(const std::string& text) {
  const auto url = parse_service_url(text);
  if (!url) return tl::unexpected(url.error());
  if (!url->user.empty()) return fail("url: has a user name, which is not sent; use token_file");
  if (url->scheme != "http" && url->scheme != "https") return fail("url: must begin with http:// or https://");
  return {};
}

std::size_t take_body(const char* data, std::size_t size, std::size_t count, void* body_pointer) {
  auto& body = *static_cast<std::string*>(body_pointer);
  const std::size_t bytes = size * count;
  if (bytes > kMaxHttpAnswerBytes - body.size()) return 0;  // ends the transfer
  body.append(data, bytes);
  return bytes;
}

class CurlClient final : public HttpClient {
 public:
  CurlClient(HttpTarget target, const std::string& token) : target_(std::move(target)) {
    add_header("Content-Type: application/json");
    add_header("Accept: application/json");
    add_header("Expect:");  // no extra round trip before a body of some hundred bytes
    if (!token.empty()) add_header(fmt::format("Authorization: Bearer {}", token));
  }

  Result<HttpAnswer> post(std::string_view json, std::int64_t timeout_ms) override { return ask(json, timeout_ms); }
  Result<HttpAnswer> get(std::int64_t timeout_ms) override { return ask(std::nullopt, timeout_ms); }

 private:
  // Posts `json`, or gets.
  Result<HttpAnswer> ask(std::optional<std::string_view> json, std::int64_t timeout_ms) {
    if (timeout_ms <= 0) return fail("no time left to ask");
    Handle handle = take_handle();
    if (handle == nullptr) return fail("libcurl gives no handle");
    HttpAnswer answer;
    std::array<char, CURL_ERROR_SIZE> text{};
    CURL* const curl = handle.get();
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout_ms));
    if (json) {
      curl_easy_setopt(curl, CURLOPT_POST, 1L);
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(json->size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json->data());
    } else {
      curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text.data());
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, nullptr);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, nullptr);
    give_back(std::move(handle));
    answer.too_large = code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED;
    if (answer.too_large) return HttpAnswer{answer.status, {}, true};
    if (code != CURLE_OK) return fail(text[0] != '\0' ? text.data() : curl_easy_strerror(code));
    return answer;
  }

  void add_header(const std::string& line) {
    curl_slist* const grown = curl_slist_append(headers_.get(), line.c_str());
    if (grown == nullptr) throw std::bad_alloc();
    (void)headers_.release();
    headers_.reset(grown);
  }

  // An idle one with its connections, or a new one.
  Handle take_handle() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        Handle handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    Handle handle(curl_easy_init());
    if (handle != nullptr) set_up(handle.get());
    return handle;
  }

  void give_back(Handle handle) {
    const std::scoped_lock lock(mutex_);
    if (idle_.size() < kMaxIdleHandles) idle_.push_back(std::move(handle));
  }

  void set_up(CURL* curl) const {
    curl_easy_setopt(curl, CURLOPT_URL, target_.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "martlet");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, static_cast<long>(kMaxHttpAnswerBytes));
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    // No signal for name look-ups that take too long, and no waiting for their threads.
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!target_.ca_file.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, target_.ca_file.c_str());
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // else the system's would do as well
    }
  }

  const HttpTarget target_;
  HeaderList headers_;
  std::mutex mutex_;
  std::vector<Handle> idle_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::make(const HttpTarget& target, env::Files& files) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return fail(fmt::format("libcurl does not start: {}", curl_easy_strerror(ready)));
  if (auto valid = check_url(target.url); !valid) return tl::unexpected(valid.error());
  if (auto readable = check_readable(files, "ca_file", target.ca_file); !readable)
    return tl::unexpected(readable.error());
  const auto token = read_secret(files, "token_file", target.token_file);
  if (!token) return tl::unexpected(token.error());
  return std::make_unique<CurlClient>(target, *token);
}

}  // namespace martlet::auth
