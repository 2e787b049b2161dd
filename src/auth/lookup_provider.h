// What all providers that ask a service have in common: time limit, answers remembered, and a rest for a service that
// does not answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "auth/answer_cache.h"
#include "auth/options.h"
#include "auth/provider.h"
#include "env/clock.h"
#include "env/deadline.h"
#include "env/entropy.h"

namespace martlet::auth {

// What came of asking a service.
struct Asked {
  enum class Reach : std::uint8_t {
    answered,  // also if the answer was no use: a client's odd name must not keep the others out
    failed,    // not reached, or no answer in time
    untried,   // not asked: nothing is known of the service
  };
  Opinion opinion;
  Reach reach = Reach::answered;

  // `reason`: what went wrong; the provider's name is put before it.
  static Asked useless(std::string reason) { return {Opinion::failed(std::move(reason)), Reach::answered}; }
  static Asked unreached(std::string reason) { return {Opinion::failed(std::move(reason)), Reach::failed}; }
  static Asked untried(std::string reason) { return {Opinion::failed(std::move(reason)), Reach::untried}; }
};

// One service. Any thread, several at once.
class Lookup {
 public:
  virtual ~Lookup() = default;
  // Returns by `deadline`, a few milliseconds more or less.
  virtual Asked ask(const Credentials& credentials, std::int64_t wall_ms, const env::Deadline& deadline) = 0;
};

struct LookupSetup {
  std::string_view kind;  // "postgresql"
  AnswerCache::Scope scope = AnswerCache::Scope::claim;
  std::unique_ptr<env::Clock> clock;
  env::Entropy& entropy;
};

std::unique_ptr<Provider> make_lookup_provider(const ProviderOptions& options, LookupSetup setup,
                                               std::unique_ptr<Lookup> lookup);
// With the system's clock and entropy.
std::unique_ptr<Provider> make_lookup_provider(const ProviderOptions& options, std::string_view kind,
                                               AnswerCache::Scope scope, std::unique_ptr<Lookup> lookup);

}  // namespace martlet::auth
