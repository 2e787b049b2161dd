#include "auth/access_http.h"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "auth/circuit_breaker.h"
#include "auth/expiring_cache.h"
#include "auth/peer_text.h"
#include "base/intern.h"
#include "env/posix/system.h"
#include "wire/text.h"

namespace martlet::auth {
namespace {

using nlohmann::json;
using Admission = CircuitBreaker::Admission;
using broker::AccessDecision;

constexpr std::size_t kMaxEntries = 10'000;
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

// What jobs share with the source, which may end before them.
struct Shared {
  Shared(const AccessOptions& options, std::unique_ptr<HttpClient> http, std::unique_ptr<env::Clock> time,
         std::uint64_t seed)
      : name(options.name.empty() ? "http" : options.name),
        allowed(intern(name + ": allow")),
        denied(intern(name + ": deny")),
        ignored(intern(name + ": ignore")),
        failed(intern(name + ": service failed")),
        unasked(intern(name + ": nobody waits for an answer")),
        overloaded(intern(name + ": too many questions wait")),
        timeout_ms(options.timeout_ms),
        cache_ms(std::int64_t{options.cache_s} * 1'000),
        client(std::move(http)),
        clock(std::move(time)),
        answers(kMaxEntries, kMaxBytes, seed) {}

  const std::string name;
  const char* const allowed;
  const char* const denied;
  const char* const ignored;
  const char* const failed;
  const char* const unasked;
  const char* const overloaded;
  const std::int64_t timeout_ms;
  const std::int64_t cache_ms;
  const std::unique_ptr<HttpClient> client;
  const std::unique_ptr<env::Clock> clock;
  CircuitBreaker breaker;
  ExpiringCache<AccessDecision> answers;
};

void append_part(std::string& key, std::string_view part) {
  key += std::to_string(part.size());
  key += ':';
  key += part;
}

// All that the service is told, exactly.
void make_key(std::string& key, const broker::Actor& actor, const AccessQuestion& question, std::string_view address) {
  key.clear();
  key += static_cast<char>('0' + static_cast<int>(question.action));
  key += static_cast<char>('0' + static_cast<int>(question.qos));
  key += question.retain ? 'r' : '-';
  append_part(key, question.topic);
  append_part(key, actor.client_id);
  append_part(key, actor.username);
  append_part(key, address);
  append_part(key, std::to_string(actor.listener_index));
  if (actor.peer == nullptr) return;
  append_part(key, actor.peer->tls_version);
  append_part(key, actor.peer->certificate_name);
  append_part(key, actor.peer->certificate_fingerprint);
  append_part(key, actor.peer->psk_identity);
}

void set_if_known(json& object, const char* name, const std::string& value) {
  if (!value.empty() && wire::valid_text(value)) object[name] = value;
}

std::string question_text(const broker::Actor& actor, const AccessQuestion& question, const std::string& address) {
  json object = {{"action", question.action == Action::publish ? "publish" : "subscribe"},
                 {"topic", question.topic},
                 {"qos", static_cast<int>(question.qos)},
                 {"retain", question.retain},
                 {"client_id", actor.client_id},
                 {"username", actor.username},
                 {"address", address},
                 {"listener_index", actor.listener_index},
                 {"tls", actor.peer != nullptr && actor.peer->encrypted()}};
  if (actor.peer != nullptr) {
    set_if_known(object, "certificate_name", actor.peer->certificate_name);
    set_if_known(object, "certificate_fingerprint", actor.peer->certificate_fingerprint);
    set_if_known(object, "psk_identity", actor.peer->psk_identity);
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Asks the service, and remembers what it says.
AccessDecision ask(Shared& shared, const std::string& key, const std::string& question) {
  // Here and not before it waited for a worker: of many that wait when a service stops to answer, few find that out.
  const Admission admission = shared.breaker.admit(shared.clock->now().mono_ms);
  if (admission == Admission::no) return AccessDecision::deny(shared.failed);
  const auto answer = shared.client->post(question, shared.timeout_ms);
  const HttpAccess said = answer ? read_http_access(*answer) : HttpAccess::service_failed;
  const std::int64_t now_ms = shared.clock->now().mono_ms;
  if (said == HttpAccess::service_failed) {
    shared.breaker.failed(admission, now_ms, {});
    return AccessDecision::deny(shared.failed);
  }
  shared.breaker.answered(admission);
  if (said == HttpAccess::failed) return AccessDecision::deny(shared.failed);
  AccessDecision decision = AccessDecision::deny(said == HttpAccess::deny ? shared.denied : shared.ignored);
  if (said == HttpAccess::allow) decision = AccessDecision::allow(shared.allowed);
  if (shared.cache_ms > 0) shared.answers.put(key, decision, 0, now_ms + shared.cache_ms);
  return decision;
}

// Exceptions of libraries, and of memory that runs out, end here.
AccessDecision ask_guarded(Shared& shared, const std::string& key, const std::string& question) {
  try {
    return ask(shared, key, question);
  } catch (const std::exception&) {
    return AccessDecision::deny(shared.failed);
  }
}

class AccessHttp final : public AccessSource {
 public:
  AccessHttp(std::shared_ptr<Shared> shared, Workers& workers) : shared_(std::move(shared)), workers_(workers) {}

  std::string_view name() const override { return shared_->name; }

  AccessOpinion check(const broker::Actor& actor, const AccessQuestion& question) override {
    if (question.action == Action::receive) return {};
    const bool told = actor.peer != nullptr && !actor.peer->address.empty();
    const std::string address = without_port(told ? std::string_view(actor.peer->address) : actor.peer_address);
    thread_local std::string key;  // keeps its room
    make_key(key, actor, question, address);
    const std::int64_t now_ms = shared_->clock->now().mono_ms;
    if (const auto known = shared_->answers.find(key, now_ms))
      return {known->allowed ? AccessOpinion::Kind::allow : AccessOpinion::Kind::deny, known->rule};
    if (actor.answers == nullptr) return {AccessOpinion::Kind::deny, shared_->unasked};
    if (shared_->breaker.pause_ms(now_ms) > 0) return {AccessOpinion::Kind::deny, shared_->failed};
    const bool taken =
        workers_.submit([shared = shared_, door = workers_.door(), answers = actor.answers, id = actor.question,
                         asked = key, text = question_text(actor, question, address)] {
          const AccessDecision decision = ask_guarded(*shared, asked, text);
          door->pass([&] { answers->answer(id, decision); });
        });
    if (!taken) return {AccessOpinion::Kind::deny, shared_->overloaded};
    return {AccessOpinion::Kind::pending, ""};
  }

 private:
  const std::shared_ptr<Shared> shared_;
  Workers& workers_;
};

HttpAccess read_body(std::string_view body) {
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return HttpAccess::failed;
  const auto result = object.find("result");
  if (result == object.end()) return HttpAccess::failed;
  if (*result == "allow") return HttpAccess::allow;
  if (*result == "deny") return HttpAccess::deny;
  return *result == "ignore" ? HttpAccess::ignore : HttpAccess::failed;
}

}  // namespace

HttpAccess read_http_access(const HttpAnswer& answer) {
  if (answer.too_large) return HttpAccess::failed;
  switch (answer.status) {
    case 200:
      return read_body(answer.body);
    case 204:
      return HttpAccess::allow;
    case 401:
    case 403:
      return HttpAccess::deny;
    case 502:
    case 503:
    case 504:
      return HttpAccess::service_failed;
    default:
      return HttpAccess::failed;
  }
}

Result<std::shared_ptr<AccessSource>> make_http_access(const AccessOptions& options, env::Files& files,
                                                       Workers& workers, std::unique_ptr<env::Clock> clock,
                                                       env::Entropy& entropy) {
  auto client = HttpClient::make({options.url, options.ca_file, options.token_file}, files);
  if (!client) return tl::unexpected(client.error());
  auto shared = std::make_shared<Shared>(options, std::move(*client), std::move(clock), entropy.seed());
  return std::make_shared<AccessHttp>(std::move(shared), workers);
}

Result<std::shared_ptr<AccessSource>> make_http_access(const AccessOptions& options, env::Files& files,
                                                       Workers& workers) {
  return make_http_access(options, files, workers, env::posix::make_clock(), *env::posix::make_entropy());
}

}  // namespace martlet::auth
