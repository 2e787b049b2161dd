#include "tools/prove/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "env/posix/process.h"
#include "env/posix/system.h"
#include "tools/line_splitter.h"
#include "tools/number.h"
#include "tools/prove/journal.h"
#include "tools/prove/restarter.h"
#include "tools/prove/subscriber.h"

namespace martlet::tools::prove {
namespace {

constexpr std::int64_t kLookAfterMs = 20;
constexpr std::int64_t kSetUpMs = 30'000;
// At the end clients wait so long for a broker that starts.
constexpr std::int64_t kAwayMs = 120'000;
constexpr std::int64_t kDefaultLoadMs = 10'000;
constexpr std::int64_t kProgressMs = 1'000;
// A doubled message would follow closely.
constexpr std::int64_t kAfterTheLastMs = 300;
constexpr std::uint64_t kSignalToken = 1;
constexpr std::uint64_t kJournalToken = 2;

class Run {
 public:
  Run(const ProveOptions& options, std::span<const std::string_view> arguments,
      const std::function<void(std::string_view)>& report, RunResult& result)
      : options_(options),
        arguments_(arguments),
        report_(report),
        result_(result),
        run_(env::posix::make_entropy()->seed()),
        acknowledged_(options.publishers),
        received_(options.publishers) {}
  ~Run();

  Result<void> go();

 private:
  Result<void> open();
  Result<void> open_subscribers();
  Result<void> start_publishers();
  Result<void> load();
  Result<void> drain();
  Result<void> sum_up();
  // Waits until `condition` holds, an error comes up, or `until_ms`; calls `each` in between.
  template <class Condition>
  Result<void> wait_until(Condition&& condition, DeadlineMs until_ms, const char* phase);
  void turn(const char* phase);
  Result<void> trouble() const;
  void read_journal();
  void take_line(std::string_view line);
  void end_subscribers();
  std::uint64_t sum_of(std::uint64_t (Subscriber::*count)() const) const;
  std::int64_t now_ms() { return clock_->now().mono_ms; }
  template <class Holds>
  bool all(Holds&& holds) const {
    return std::all_of(subscribers_.begin(), subscribers_.end(), [&](const auto& one) { return holds(*one); });
  }

  const ProveOptions& options_;
  const std::span<const std::string_view> arguments_;
  const std::function<void(std::string_view)>& report_;
  RunResult& result_;
  const std::uint64_t run_;
  const std::unique_ptr<env::Clock> clock_ = env::posix::make_clock();
  const std::unique_ptr<env::Files> files_ = env::posix::make_files();
  std::unique_ptr<env::Signals> signals_;
  std::unique_ptr<env::Network> waiter_;
  std::vector<std::unique_ptr<env::Network>> networks_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::thread> threads_;
  std::unique_ptr<env::posix::ChildProcess> publishers_;
  std::optional<Restarter> restarter_;

  LineSplitter journal_;
  bool publishers_ready_ = false;
  bool published_all_ = false;
  bool publishers_done_ = false;
  std::string error_;
  MessageSet acknowledged_;
  MessageSet received_;
  DeadlineMs reported_ms_ = 0;
};

Run::~Run() {
  end_subscribers();
}

void Run::end_subscribers() {
  for (const auto& subscriber : subscribers_) subscriber->finish();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::uint64_t Run::sum_of(std::uint64_t (Subscriber::*count)() const) const {
  std::uint64_t sum = 0;
  for (const auto& subscriber : subscribers_) sum += (*subscriber.*count)();
  return sum;
}

Result<void> Run::open() {
  auto signals = env::posix::make_signals();
  if (!signals) return tl::unexpected(signals.error());
  signals_ = std::move(*signals);
  auto waiter = env::posix::make_network();
  if (!waiter) return tl::unexpected(waiter.error());
  waiter_ = std::move(*waiter);
  return waiter_->watch(signals_->handle(), {.read = true}, kSignalToken);
}

void Run::take_line(std::string_view line) {
  const auto entry = parse_entry(line);
  if (!entry) {
    if (error_.empty()) error_ = "the publishing process wrote a broken line";
    return;
  }
  using enum JournalKind;
  switch (entry->kind) {
    case ready:
      publishers_ready_ = true;
      return;
    case published:
      published_all_ = true;
      return;
    case received:
      received_.insert(entry->id);
      return;
    case acknowledged:
      acknowledged_.insert(entry->id);
      return;
    case refused:
      ++result_.refused[entry->text];
      return;
    case breach:
      ++result_.breaches[entry->text];
      return;
    case forgotten:
      ++result_.forgotten_publishers;
      return;
    case error:
      if (error_.empty()) error_ = entry->text;
      return;
    case done:
      publishers_done_ = true;
      result_.published = parse_number<std::uint64_t>(entry->text, 0, ~std::uint64_t{0}).value_or(0);
      return;
  }
}

void Run::read_journal() {
  std::array<std::uint8_t, 65'536> room;
  const env::IoOutcome outcome = files_->read_some(publishers_->output(), room);
  if (outcome.status == env::IoStatus::ok) {
    journal_.feed(as_text(ByteView(room).first(outcome.bytes)), [this](std::string_view line) { take_line(line); });
    return;
  }
  waiter_->unwatch(publishers_->output());
  if (!publishers_done_ && error_.empty()) error_ = "the publishing process ended early";
}

void Run::turn(const char* phase) {
  std::array<env::Event, 4> events;
  const std::size_t count = waiter_->wait(kLookAfterMs, events);
  for (std::size_t i = 0; i < count; ++i) {
    if (events[i].token == kJournalToken) read_journal();
    if (events[i].token != kSignalToken) continue;
    while (const auto signal = signals_->next()) {
      if (*signal == env::Signal::dump) continue;
      if (result_.interrupted) error_ = "interrupted twice";
      result_.interrupted = true;
    }
  }
  if (now_ms() < reported_ms_ + kProgressMs) return;
  reported_ms_ = now_ms();
  report_(fmt::format("{:<11} {:>10} acknowledged {:>11} delivered {:>5} restarts", phase,
                      acknowledged_.counts().total(), sum_of(&Subscriber::deliveries),
                      restarter_ ? restarter_->count() : 0));
}

Result<void> Run::trouble() const {
  if (!error_.empty()) return fail(error_);
  for (const auto& subscriber : subscribers_) {
    if (auto error = subscriber->error(); !error.empty()) return fail(std::move(error));
  }
  return {};
}

template <class Condition>
Result<void> Run::wait_until(Condition&& condition, DeadlineMs until_ms, const char* phase) {
  while (!condition()) {
    if (auto fine = trouble(); !fine) return fine;
    if (now_ms() > until_ms) return fail(fmt::format("{}: the broker does not answer", phase));
    turn(phase);
  }
  return {};
}

Result<void> Run::open_subscribers() {
  for (std::uint32_t i = 0; i < options_.subscribers; ++i) {
    auto network = env::posix::make_network();
    if (!network) return tl::unexpected(network.error());
    networks_.push_back(std::move(*network));
    subscribers_.push_back(std::make_unique<Subscriber>(options_, run_, i, *networks_.back(), *clock_));
  }
  for (const auto& subscriber : subscribers_) threads_.emplace_back([&subscriber] { subscriber->run(); });
  return wait_until([this] { return all([](const Subscriber& one) { return one.ready(); }); }, now_ms() + kSetUpMs,
                    "subscribing");
}

Result<void> Run::start_publishers() {
  const auto program = env::posix::own_program();
  if (!program) return tl::unexpected(program.error());
  std::vector<std::string> words{*program, "prove"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  // The last ones count.
  words.insert(words.end(), {"--seed", std::to_string(*options_.seed), "--publisher-of", std::to_string(run_)});
  auto started = env::posix::ChildProcess::start(*program, words, env::posix::ChildStreams::pipes);
  if (!started) return tl::unexpected(started.error());
  publishers_ = std::move(*started);
  if (auto watched = waiter_->watch(publishers_->output(), {.read = true}, kJournalToken); !watched) return watched;
  return wait_until([this] { return publishers_ready_; }, now_ms() + kSetUpMs, "connecting");
}

// Publishing goes on at least until the last restart is over, unless it is limited.
Result<void> Run::load() {
  const DeadlineMs began_ms = now_ms();
  restarter_.emplace(options_, began_ms);
  const bool limited = options_.messages != 0 || options_.for_ms;
  const bool restarts = total_restarts(options_) > 0;
  Result<void> outcome;
  const auto over = [&] {
    if (outcome = restarter_->turn(now_ms()); !outcome) return true;
    if (result_.interrupted) restarter_->stop();
    const bool published = limited ? published_all_ : restarts || now_ms() >= began_ms + kDefaultLoadMs;
    return restarter_->over() && (published || result_.interrupted);
  };
  auto waited = wait_until(over, kNever, "publishing");
  result_.restarts = restarter_->count();
  return waited ? outcome : waited;
}

Result<void> Run::drain() {
  publishers_->close_input();
  for (const auto& subscriber : subscribers_) subscriber->come_for_good();
  std::uint64_t seen = 0;
  DeadlineMs progress_ms = now_ms();
  DeadlineMs connected_ms = progress_ms;
  std::optional<std::uint64_t> seen_before;  // when the subscribers last connected anew
  const auto over = [&] {
    // A broker that recovers for long is not one that lost something.
    const bool connected = all([](const Subscriber& one) { return one.connected(); });
    if (connected) connected_ms = now_ms();
    if (!connected) progress_ms = now_ms();
    if (now_ms() > connected_ms + kAwayMs) error_ = "the broker does not come back";
    if (const std::uint64_t now_seen = sum_of(&Subscriber::deliveries) + acknowledged_.counts().total();
        now_seen != seen) {
      seen = now_seen;
      progress_ms = now_ms();
    }
    const std::int64_t quiet_ms = now_ms() - progress_ms;
    if (!publishers_done_ || quiet_ms < kAfterTheLastMs) return false;
    if (all([this](const Subscriber& one) { return one.has_all(acknowledged_); })) return true;
    if (quiet_ms < options_.drain_ms) return false;
    // What a session that is stuck still holds is not lost as long as a new connection gets more of it.
    const std::uint64_t first = sum_of(&Subscriber::first_deliveries);
    if (std::exchange(seen_before, first) == first) return true;
    for (const auto& subscriber : subscribers_) subscriber->reconnect();
    progress_ms = now_ms();
    return false;
  };
  return wait_until(over, kNever, "draining");
}

Result<void> Run::sum_up() {
  result_.acknowledged = acknowledged_.counts();
  result_.received = received_.counts().total();
  for (const auto& subscriber : subscribers_) {
    subscriber->report(result_.findings, result_.examples, acknowledged_, received_);
    result_.forgotten_subscribers += subscriber->forgotten();
    for (const auto& [what, count] : subscriber->breaches()) result_.breaches[what] += count;
  }
  if (result_.acknowledged.total() == 0) return fail("nothing was acknowledged, so nothing could be lost");
  return {};
}

Result<void> Run::go() {
  if (auto opened = open(); !opened) return opened;
  if (auto subscribed = open_subscribers(); !subscribed) return subscribed;
  const DeadlineMs began_ms = now_ms();
  if (auto started = start_publishers(); !started) return started;
  if (auto loaded = load(); !loaded) return loaded;
  if (auto drained = drain(); !drained) return drained;
  result_.seconds = static_cast<double>(now_ms() - began_ms) / 1e3;
  end_subscribers();
  return sum_up();
}

}  // namespace

Result<void> run_prove(const ProveOptions& options, std::span<const std::string_view> arguments,
                       const std::function<void(std::string_view)>& report_progress, RunResult& result) {
  return Run(options, arguments, report_progress, result).go();
}

}  // namespace martlet::tools::prove
