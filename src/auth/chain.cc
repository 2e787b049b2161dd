#include "auth/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

#include "auth/crypto.h"
#include "auth/scram.h"
#include "auth/tls_identity.h"
#include "base/nearest.h"
#include "base/printable.h"

namespace martlet::auth {

using broker::AuthDecision;
using broker::ConnectFacts;
using wire::ReasonCode;

namespace {

// A provider that fails does so for every client: one line in this time tells it.
constexpr std::int64_t kComplaintMs = 10'000;
constexpr const char* kWrong = "user name or password is wrong";

bool has_credentials(const Credentials& credentials) {
  return credentials.username || credentials.password;
}

}  // namespace

struct Chain::Link {
  ChainLink link;
  std::mutex mutex;  // guards the next two; no other is taken under it
  std::int64_t next_complaint_ms = 0;
  std::uint64_t unsaid = 0;
};

struct Chain::Listener {
  bool allow_anonymous = false;
  bool unchecked_user_names = false;
  bool identity_from_tls = false;
  CertificateName identity_name = CertificateName::common_name;
  bool asks_nobody = false;
  std::vector<Link*> links;
};

// A client that is asked about. Its password goes with it.
struct Chain::Question {
  Question(const Listener& asked, std::atomic<std::size_t>& bytes) : listener(asked), waiting_bytes(bytes) {}
  ~Question() {
    if (credentials.password) wipe(*credentials.password);
    waiting_bytes -= counted_bytes;
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  const Listener& listener;
  Credentials credentials;
  std::shared_ptr<Chain> chain;  // what the others refer to, while a worker has the question
  std::atomic<std::size_t>& waiting_bytes;
  std::size_t counted_bytes = 0;
};

// What came of it, and from whom.
struct Chain::Reply {
  Opinion opinion;
  Link* from = nullptr;
};

Chain::Chain(const ChainPorts& ports) : ports_(ports) {}
Chain::~Chain() = default;

Result<std::shared_ptr<Chain>> Chain::make(const AuthOptions& options, std::vector<ChainLink> links,
                                           const ChainPorts& ports) {
  const std::shared_ptr<Chain> chain(new Chain(ports));
  std::vector<std::string_view> names;
  for (ChainLink& given : links) {
    const std::string_view name = given.provider->name();
    if (name == kNoProviders) {
      return fail(
          fmt::format("an [[authentication]] table is called \"{}\", by which a listener asks none: give it "
                      "another name",
                      name));
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return fail(fmt::format("two [[authentication]] tables are called \"{}\": give each a name of its own", name));
    }
    names.push_back(name);
    auto link = std::make_unique<Link>();
    link->link = std::move(given);
    chain->links_.push_back(std::move(link));
  }
  for (const ListenerAuth& given : options.listeners) {
    const bool none = given.providers.size() == 1 && given.providers[0] == kNoProviders;
    Listener listener{given.allow_anonymous, given.unchecked_user_names, given.identity_from_tls,
                      given.identity_name,   none || names.empty(),      {}};
    if (given.providers.empty()) {
      for (const auto& link : chain->links_) listener.links.push_back(link.get());
    }
    for (const std::string& name : given.providers) {
      if (none) break;
      const auto at = std::find(names.begin(), names.end(), name);
      if (at == names.end()) {
        return fail(fmt::format("listener \"{}\" names the [[authentication]] \"{}\", which is not there{}", given.name,
                                name, suggestion(name, names)));
      }
      listener.links.push_back(chain->links_[static_cast<std::size_t>(at - names.begin())].get());
    }
    chain->listeners_.push_back(std::move(listener));
  }
  return chain;
}

const Chain::Listener* Chain::listener_of(const ConnectFacts& facts) const {
  return facts.listener_index < listeners_.size() ? &listeners_[facts.listener_index] : nullptr;
}

AuthDecision Chain::authenticate(const ConnectFacts& facts) {
  const Listener* listener = listener_of(facts);
  if (listener == nullptr) {
    return AuthDecision::refuse(ReasonCode::not_authorized, "the listener has no authentication");
  }
  if (listener->identity_from_tls) {
    AuthDecision decision = AuthDecision::allow();
    decision.username = tls_identity(facts.peer, listener->identity_name);
    if (!decision.username.empty()) return decision;
    return AuthDecision::refuse(ReasonCode::bad_user_name_or_password, "no certificate and no PSK identity");
  }
  if (listener->asks_nobody && listener->allow_anonymous) {
    AuthDecision decision = AuthDecision::allow();
    decision.anonymous = !listener->unchecked_user_names;
    return decision;
  }
  auto question = make_question(facts, *listener);
  std::size_t at = 0;
  Reply reply;
  if (ask(*question, at, false, reply)) return finish(*question, reply);
  return send_to_worker(facts, std::move(question), at);
}

std::shared_ptr<Chain::Question> Chain::make_question(const ConnectFacts& facts, const Listener& listener) {
  auto question = std::make_shared<Question>(listener, waiting_bytes_);
  Credentials& credentials = question->credentials;
  credentials.client_id = facts.client_id;
  if (facts.username) credentials.username.emplace(*facts.username);
  if (facts.password) credentials.password.emplace(facts.password->begin(), facts.password->end());
  credentials.peer_address = facts.peer_address;
  credentials.listener = facts.listener;
  credentials.listener_index = facts.listener_index;
  if (facts.peer != nullptr) credentials.peer = std::make_shared<const PeerFacts>(*facts.peer);
  return question;
}

bool Chain::ask(Question& question, std::size_t& at, bool may_block, Reply& reply) {
  const Credentials& credentials = question.credentials;
  const bool bare = !has_credentials(credentials);
  const std::int64_t wall_ms = ports_.clock.now().wall_ms;
  const std::vector<Link*>& links = question.listener.links;
  for (; at < links.size(); ++at) {
    const ChainLink& link = links[at]->link;
    if (bare && link.needs_credentials) continue;
    if (!may_block && link.provider->blocks()) return false;
    try {
      reply = {link.provider->check(credentials, wall_ms), links[at]};
    } catch (const std::exception& problem) {
      reply = {Opinion::failed(problem.what()), links[at]};
    }
    if (reply.opinion.kind != Opinion::Kind::unknown) return true;
  }
  // Those who are not in a file take as long as those who are.
  const auto file =
      std::find_if(links.begin(), links.end(), [](const Link* link) { return link->link.file != nullptr; });
  if (credentials.username && file != links.end()) (*file)->link.file->spend_time(credentials);
  return true;
}

AuthDecision Chain::finish(const Question& question, const Reply& reply) {
  const bool bare = !has_credentials(question.credentials);
  const Opinion& opinion = reply.opinion;
  switch (opinion.kind) {
    case Opinion::Kind::allow: {
      AuthDecision decision = AuthDecision::allow();
      decision.username = opinion.username;
      decision.grants = opinion.grants;
      decision.until_wall_ms = opinion.until_wall_ms;
      return decision;
    }
    case Opinion::Kind::refuse: {
      AuthDecision decision =
          AuthDecision::refuse(bare ? ReasonCode::not_authorized : ReasonCode::bad_user_name_or_password,
                               reply.from->link.reason_is_public ? opinion.reason : kWrong);
      decision.detail = fmt::format("{}: {}", reply.from->link.provider->name(), printable(opinion.reason));
      return decision;
    }
    case Opinion::Kind::failed:
      complain(*reply.from, opinion.reason, question.credentials);
      return AuthDecision::refuse(ReasonCode::server_unavailable, "authentication is not possible now");
    case Opinion::Kind::unknown:
      break;
  }
  if (!bare) {
    AuthDecision decision = AuthDecision::refuse(ReasonCode::bad_user_name_or_password, kWrong);
    decision.detail = "the user is not known";
    return decision;
  }
  if (question.listener.allow_anonymous) return AuthDecision::allow();
  return AuthDecision::refuse(ReasonCode::not_authorized, "user name and password are needed");
}

AuthDecision Chain::send_to_worker(const ConnectFacts& facts, std::shared_ptr<Question> question, std::size_t at) {
  if (facts.answers == nullptr) {
    return AuthDecision::refuse(ReasonCode::server_unavailable, "authentication is not possible here");
  }
  const auto busy = [] { return AuthDecision::refuse(ReasonCode::server_busy, "too many clients wait"); };
  const Credentials& credentials = question->credentials;
  const std::size_t bytes = sizeof(Question) + credentials.client_id.size() +
                            (credentials.username ? credentials.username->size() : 0) +
                            (credentials.password ? credentials.password->size() : 0);
  question->counted_bytes = bytes;
  if (waiting_bytes_.fetch_add(bytes) + bytes > kMaxWaitingBytes) return busy();
  const bool taken =
      ports_.workers.submit([chain = shared_from_this(), question = std::move(question), at, answers = facts.answers,
                             id = facts.question, door = ports_.workers.door()]() mutable {
        Reply reply;
        chain->ask(*question, at, true, reply);
        // Answers and log may be gone when the pool was stopped.
        door->pass([&] { answers->answer(id, chain->finish(*question, reply)); });
      });
  return taken ? AuthDecision::pending() : busy();
}

void Chain::complain(Link& link, const std::string& reason, const Credentials& client) {
  std::uint64_t unsaid = 0;
  {
    const std::lock_guard lock(link.mutex);
    const std::int64_t now_ms = ports_.clock.now().mono_ms;
    if (link.next_complaint_ms != 0 && now_ms < link.next_complaint_ms) {
      ++link.unsaid;
      return;
    }
    link.next_complaint_ms = now_ms + kComplaintMs;
    unsaid = std::exchange(link.unsaid, 0);
  }
  std::string text = fmt::format("a client is refused because the authentication \"{}\" cannot be asked: {}",
                                 link.link.provider->name(), printable(reason, kAllChars));
  if (unsaid > 0) text += fmt::format(" ({} more since the last such line)", unsaid);
  const std::string_view user = client.username ? broker::without_token(*client.username) : std::string_view();
  const broker::LogField more[] = {{"authentication", link.link.provider->name()}};
  ports_.log.write(broker::LogLevel::warning, text,
                   {client.client_id, client.peer_address, user, client.listener, more});
}

std::unique_ptr<broker::AuthExchange> Chain::begin(std::string_view method, const ConnectFacts& facts) {
  const Listener* listener = listener_of(facts);
  if (method != kScramMethod || listener == nullptr || listener->identity_from_tls) return nullptr;
  std::vector<const FileProvider*> files;
  for (const Link* link : listener->links) {
    if (link->link.file != nullptr && link->link.file->has_scram()) files.push_back(link->link.file);
  }
  if (files.empty()) return nullptr;
  // The exchange keeps the chain, and with it the files, until it is over.
  auto lookup = [chain = shared_from_this(), files = std::move(files)](std::string_view user) {
    for (const FileProvider* file : files) {
      if (auto keys = file->scram_keys(user)) return ScramUser{std::move(*keys), true};
    }
    return ScramUser{files.front()->fake_scram_keys(user), false};
  };
  return make_scram_exchange(std::move(lookup), std::string(facts.username.value_or("")), ports_.entropy);
}

}  // namespace martlet::auth
