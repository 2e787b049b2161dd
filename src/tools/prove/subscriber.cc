#include "tools/prove/subscriber.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/prove/clients.h"

namespace martlet::tools::prove {
namespace {

constexpr std::int64_t kComeBackMs = 300;
constexpr std::size_t kMostExamples = 5;

std::string text_of(const MessageId& id) {
  return fmt::format("publisher {} topic {} QoS {} number {}", id.publisher, id.topic, static_cast<int>(id.qos),
                     id.sequence);
}

}  // namespace

Presence presence_of(const ProveOptions& options, std::uint32_t number) {
  const std::uint32_t present = options.subscribers - options.offline;
  if (number < present) return Presence::always;
  return (number - present) % 2 == 0 ? Presence::at_the_end : Presence::now_and_then;
}

Subscriber::Subscriber(const ProveOptions& options, std::uint64_t run, std::uint32_t number, env::Network& network,
                       env::Clock& clock)
    : options_(options),
      run_(run),
      number_(number),
      prefix_(topic_prefix(options, run)),
      presence_(presence_of(options, number)),
      clock_(clock),
      client_(network, clock, ~*options.seed + number,
              persistent_client(options, client_id(run, ClientRole::subscriber, number)), *this),
      random_(~*options.seed ^ std::uint64_t{number} << 32),
      ledger_(options.publishers) {}

std::string Subscriber::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::map<std::string, std::uint64_t> Subscriber::breaches() const {
  const std::lock_guard lock(mutex_);
  return breaches_;
}

void Subscriber::come_for_good() {
  for_good_ = true;
  client_.wake();
}

void Subscriber::reconnect() {
  reconnect_ = true;
  client_.wake();
}

void Subscriber::finish() {
  finish_ = true;
  client_.wake();
}

void Subscriber::run() {
  client_.subscribe({{prefix_ + "/#", {.qos = highest_qos(options_)}}});
  while (!finish_) {
    client_.turn(keep_presence());
    connected_ = client_.connected();
  }
  client_.stop();
  while (!client_.finished()) client_.turn();
  end_session(options_, client_.options().client_id, clock_);
}

DeadlineMs Subscriber::keep_presence() {
  const DeadlineMs now_ms = clock_.now().mono_ms;
  if (ready_ && presence_ == Presence::now_and_then && (switch_at_ == kNever || switch_at_ <= now_ms)) {
    wants_online_ = !wants_online_;
    const std::int64_t most_ms = wants_online_ ? 1'000 : 3'000;
    switch_at_ = now_ms + 200 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most_ms)));
  }
  if (reconnect_.exchange(false) && running_) {
    running_ = false;
    start_again_at_ = now_ms + kComeBackMs;
    client_.stop();
  }
  const bool away = presence_ == Presence::at_the_end || (presence_ == Presence::now_and_then && !wants_online_);
  const bool wanted = !ready_ || for_good_ || !away;
  if (wanted && !running_ && start_again_at_ <= now_ms) {
    running_ = true;
    client_.start();
  } else if (!wanted && running_) {
    running_ = false;
    start_again_at_ = 0;
    client_.stop();
  }
  const DeadlineMs start_at = wanted && !running_ ? start_again_at_ : kNever;
  return std::min(switch_at_, start_at);
}

void Subscriber::connected(const wire::Connack& connack) {
  if (ready_ && !connack.session_present) ++forgotten_;
}

void Subscriber::refused(const wire::Connack& connack, DeadlineMs retry_at) {
  come_back_later(fmt::format("the broker refused a subscriber: {}", wire::reason_text(connack.reason)), retry_at);
}

void Subscriber::lost(const client::Loss& loss) {
  if (loss.cause == client::LossCause::protocol_breach) {
    const std::lock_guard lock(mutex_);
    ++breaches_[loss.text];
  }
  come_back_later(fmt::format("a subscriber cannot connect: {}", loss.text), loss.retry_at);
}

void Subscriber::come_back_later(std::string_view why, DeadlineMs retry_at) {
  if (retry_at != kNever) return;
  running_ = false;
  start_again_at_ = clock_.now().mono_ms + kComeBackMs;
  if (!ready_) fail(why);
}

void Subscriber::answered(client::RequestHandle, const wire::FilterAck& ack) {
  const int granted = ack.reasons.empty() ? -1 : ack.reasons[0];
  if (granted == static_cast<int>(highest_qos(options_))) {
    ready_ = true;
  } else if (!ready_) {
    fail(fmt::format("the broker answered a subscription with 0x{:02X}", granted));
  }
}

client::AckBy Subscriber::message(const wire::Publish& publish, const client::AckToken&) {
  auto id = read_payload(run_, publish.payload);
  if (id && publish.topic != topic_of(prefix_, *id)) id.reset();
  const std::lock_guard lock(mutex_);
  ++deliveries_;
  const Arrival arrival = ledger_.take(id, publish.qos);
  first_deliveries_ = ledger_.seen().counts().total();
  switch (arrival) {
    case Arrival::first:
      break;
    case Arrival::duplicate:
      if (id->qos == wire::QoS::exactly_once) note_example("got twice", *id);
      break;
    case Arrival::reordered:
      note_example("got behind a later one", *id);
      break;
    case Arrival::corrupt:
      note_example("got a corrupt message, perhaps", id.value_or(MessageId{}));
      break;
  }
  return client::AckBy::client;
}

void Subscriber::fail(std::string_view why) {
  const std::lock_guard lock(mutex_);
  error_ = why;
}

void Subscriber::note_example(std::string_view what, const MessageId& id) {
  if (examples_.size() < kMostExamples) {
    examples_.push_back(fmt::format("subscriber {} {} {}", number_, what, text_of(id)));
  }
}

bool Subscriber::has_all(const MessageSet& acknowledged) const {
  const std::lock_guard lock(mutex_);
  bool all = true;
  acknowledged.for_each_not_in(ledger_.seen(), [&](const MessageId&) { all = false; });
  return all;
}

void Subscriber::report(Findings& findings, std::vector<std::string>& examples, const MessageSet& acknowledged,
                        const MessageSet& received) const {
  const std::lock_guard lock(mutex_);
  std::size_t shown = 0;
  add_findings(findings, acknowledged, received, ledger_, [&](const MessageId& id) {
    if (shown++ < kMostExamples) examples.push_back(fmt::format("subscriber {} lost {}", number_, text_of(id)));
  });
  examples.insert(examples.end(), examples_.begin(), examples_.end());
}

}  // namespace martlet::tools::prove
