// Who is this client? The body of the authenticator: providers in order, and what each listener asks of its clients. It
// does not change; a new configuration makes a new one. Any thread, all cores at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/file_provider.h"
#include "auth/options.h"
#include "auth/provider.h"
#include "auth/workers.h"
#include "base/result.h"
#include "broker/ports.h"
#include "env/clock.h"
#include "env/entropy.h"

namespace martlet::auth {

// What a chain is built on. All outlive it, except that `log` is only written to by cores and through the workers'
// door.
struct ChainPorts {
  env::Clock& clock;
  env::Entropy& entropy;
  Workers& workers;
  broker::Log& log;
};

// A provider in its place, and what the chain has to know of it.
struct ChainLink {
  std::unique_ptr<Provider> provider;
  // Knows nobody who comes with neither user name nor password: then it is not asked.
  bool needs_credentials = true;
  // What it says when it refuses may be told to the client.
  bool reason_is_public = false;
  const FileProvider* file = nullptr;  // `provider`, when it is one
};

// How a client is judged:
// - A listener with identity_from_tls takes the name from certificate or PSK and nothing else; who has none is refused.
// - Else the listener's providers are asked in order. The first that allows or refuses decides; one that cannot be
// asked
//   refuses with server_unavailable. From the first one that blocks() on, a worker asks, and the decision is pending;
//   without ConnectFacts::answers such a client is refused.
// - If nobody knows a client: without user name and password it gets in if the listener allows_anonymous, else it is
//   refused as not_authorized; with them it is refused with bad_user_name_or_password, after the time that a wrong
//   password would have taken. Only where there are no providers at all (kNoProviders, for one listener),
//   allow_anonymous lets in those too.
// - What waits for workers is bounded by their queue and by kMaxWaitingBytes; above it is server_busy.
class Chain final : public broker::Authenticator, public std::enable_shared_from_this<Chain> {
 public:
  static constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 20;

  // `links` belong to options.providers, one for each, in the same order. An Error for a name used twice or not known.
  static Result<std::shared_ptr<Chain>> make(const AuthOptions& options, std::vector<ChainLink> links,
                                             const ChainPorts& ports);

  broker::AuthDecision authenticate(const broker::ConnectFacts& facts) override;
  // SCRAM-SHA-256 if one of the listener's password files has keys for it. The exchange never waits.
  std::unique_ptr<broker::AuthExchange> begin(std::string_view method, const broker::ConnectFacts& facts) override;

 private:
  struct Listener;
  struct Question;
  struct Link;
  struct Reply;

  explicit Chain(const ChainPorts& ports);
  const Listener* listener_of(const broker::ConnectFacts& facts) const;
  std::shared_ptr<Question> make_question(const broker::ConnectFacts& facts, const Listener& listener);
  // Asks from `at` on; with `may_block` all, else up to the first that blocks. False: that one is `at` now.
  bool ask(Question& question, std::size_t& at, bool may_block, Reply& reply);
  broker::AuthDecision finish(const Question& question, const Reply& reply);
  broker::AuthDecision send_to_worker(const broker::ConnectFacts& facts, std::shared_ptr<Question> question,
                                      std::size_t at);
  void complain(Link& link, const std::string& reason, const Credentials& client);

  const ChainPorts ports_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Listener> listeners_;
  std::atomic<std::size_t> waiting_bytes_ = 0;

 public:
  ~Chain() override;
};

}  // namespace martlet::auth
