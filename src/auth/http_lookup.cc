// Authentication by a call-out: a service is told who wants to connect, and says what it thinks of it.
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "auth/http_answer.h"
#include "auth/http_client.h"
#include "auth/lookup_provider.h"
#include "auth/lookups.h"
#include "auth/peer_text.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

using nlohmann::json;

void set_if_known(json& object, const char* name, const std::string& value) {
  // A certificate may hold anything; what is no text is not told.
  if (!value.empty() && wire::valid_text(value)) object[name] = value;
}

// The question. The password must be text.
std::string question_of(const Credentials& credentials) {
  json object = {{"client_id", credentials.client_id},
                 {"address", address_of(credentials)},
                 {"listener", credentials.listener},
                 {"tls", credentials.peer != nullptr && credentials.peer->encrypted()}};
  if (credentials.username) object["username"] = *credentials.username;
  if (credentials.password) object["password"] = as_text(*credentials.password);
  if (credentials.peer != nullptr) {
    set_if_known(object, "certificate_name", credentials.peer->certificate_name);
    set_if_known(object, "certificate_subject", credentials.peer->certificate_subject);
    set_if_known(object, "certificate_fingerprint", credentials.peer->certificate_fingerprint);
    set_if_known(object, "psk_identity", credentials.peer->psk_identity);
  }
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  if (auto password = object.find("password"); password != object.end()) {
    auto& bytes = password->get_ref<std::string&>();
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }
  return text;
}

class HttpLookup final : public Lookup {
 public:
  explicit HttpLookup(std::unique_ptr<HttpClient> client) : client_(std::move(client)) {}

  Asked ask(const Credentials& credentials, std::int64_t wall_ms, const env::Deadline& deadline) override {
    // JSON has no way to say it, and a replacement would make two passwords one.
    if (credentials.password && !wire::valid_text(as_text(*credentials.password)))
      return {Opinion::unknown(), Asked::Reach::untried};
    std::string question = question_of(credentials);
    const auto answer = client_->post(question, deadline.left_ms());
    OPENSSL_cleanse(question.data(), question.size());
    if (!answer) return Asked::unreached(answer.error().message);
    return read_http_answer(*answer, wall_ms);
  }

 private:
  const std::unique_ptr<HttpClient> client_;
};

}  // namespace

Result<std::unique_ptr<Provider>> make_http_provider(const ProviderOptions& options, env::Files& files) {
  auto client = HttpClient::make({options.url, options.ca_file, options.token_file}, files);
  if (!client) return tl::unexpected(client.error());
  return make_lookup_provider(options, "http", AnswerCache::Scope::transport,
                              std::make_unique<HttpLookup>(std::move(*client)));
}

}  // namespace martlet::auth
