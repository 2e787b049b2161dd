#include "auth/lookup_provider.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "auth/circuit_breaker.h"
#include "base/printable.h"
#include "env/posix/system.h"

namespace martlet::auth {
namespace {

using Admission = CircuitBreaker::Admission;
using Reach = Asked::Reach;

constexpr std::size_t kReasonChars = 300;

class LookupProvider final : public Provider {
 public:
  LookupProvider(const ProviderOptions& options, LookupSetup setup, std::unique_ptr<Lookup> lookup)
      : name_(options.name.empty() ? setup.kind : options.name),
        title_(options.name.empty() || options.name == setup.kind ? std::string(setup.kind)
                                                                  : fmt::format("{} '{}'", setup.kind, options.name)),
        timeout_ms_(options.timeout_ms),
        clock_(std::move(setup.clock)),
        cache_(setup.entropy, name_, setup.scope, options.cache_s),
        lookup_(std::move(lookup)) {}

  std::string_view name() const override { return name_; }
  bool blocks() const override { return true; }

  Opinion check(const Credentials& credentials, std::int64_t wall_ms) override {
    const env::Deadline deadline(*clock_, timeout_ms_);
    if (!cache_.enabled()) return ask(credentials, wall_ms, deadline);
    const AnswerCache::Key key = cache_.key_of(credentials);
    if (auto known = cache_.find(key, {clock_->now().mono_ms, wall_ms})) return std::move(*known);
    Opinion opinion = ask(credentials, wall_ms, deadline);
    cache_.put(key, opinion, {clock_->now().mono_ms, wall_ms});
    return opinion;
  }

 private:
  Opinion ask(const Credentials& credentials, std::int64_t wall_ms, const env::Deadline& deadline) {
    const std::int64_t now_ms = clock_->now().mono_ms;
    const Admission admission = breaker_.admit(now_ms);
    if (admission == Admission::no) {
      return Opinion::failed(fmt::format("{} is not asked for {} ms more, since: {}", title_, breaker_.pause_ms(now_ms),
                                         breaker_.reason()));
    }
    Asked asked = ask_guarded(credentials, wall_ms, deadline);
    Opinion& opinion = asked.opinion;
    const std::string reason = printable(opinion.reason, kReasonChars);
    if (!reason.empty()) opinion.reason = fmt::format("{}: {}", title_, reason);
    switch (asked.reach) {
      case Reach::answered:
        breaker_.answered(admission);
        break;
      case Reach::failed:
        breaker_.failed(admission, clock_->now().mono_ms, reason);
        break;
      case Reach::untried:
        breaker_.abandoned(admission);
        break;
    }
    return std::move(opinion);
  }

  // Exceptions of libraries, and of memory that runs out, end here.
  Asked ask_guarded(const Credentials& credentials, std::int64_t wall_ms, const env::Deadline& deadline) {
    try {
      return lookup_->ask(credentials, wall_ms, deadline);
    } catch (const std::exception& exception) {
      return Asked::useless(exception.what());
    }
  }

  const std::string name_;
  const std::string title_;
  const std::int64_t timeout_ms_;
  const std::unique_ptr<env::Clock> clock_;
  AnswerCache cache_;
  CircuitBreaker breaker_;
  const std::unique_ptr<Lookup> lookup_;
};

}  // namespace

std::unique_ptr<Provider> make_lookup_provider(const ProviderOptions& options, LookupSetup setup,
                                               std::unique_ptr<Lookup> lookup) {
  return std::make_unique<LookupProvider>(options, std::move(setup), std::move(lookup));
}

std::unique_ptr<Provider> make_lookup_provider(const ProviderOptions& options, std::string_view kind,
                                               AnswerCache::Scope scope, std::unique_ptr<Lookup> lookup) {
  const auto entropy = env::posix::make_entropy();
  return make_lookup_provider(options, {kind, scope, env::posix::make_clock(), *entropy}, std::move(lookup));
}

}  // namespace martlet::auth
