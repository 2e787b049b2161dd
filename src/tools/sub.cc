#include "tools/sub.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/random.h"
#include "env/posix/local_time.h"
#include "tools/message_format.h"
#include "tools/tool.h"
#include "topic/filter.h"

namespace martlet::tools {
namespace {

using wire::ReasonCode;

constexpr std::size_t kFlushBytes = 64 * 1024;

class Subscriber final : public ToolProcess {
 public:
  Subscriber(Console& console, const Settings& settings)
      : ToolProcess(console, settings), random_(console.entropy->seed()) {
    if (settings.format) format_ = *MessageFormat::parse(*settings.format);
    if (settings.timeout_s) give_up_at_ = deadline_in_s(console.clock->now(), *settings.timeout_s);
  }

 private:
  DeadlineMs before_turn() override {
    if (!asked_) ask();
    if (done_ && !stopping_ && client().unfinished() == 0) {
      stopping_ = true;
      stop();
    }
    if (!stopping_ && client().now().mono_ms >= give_up_at_) {
      stopping_ = true;
      complain("timed out");
      fail_with(kExitTimeout);
    }
    return stopping_ ? kNever : give_up_at_;
  }

  // Subscriptions first, as mosquitto_sub does.
  void ask() {
    asked_ = true;
    wire::SubscriptionOptions options;
    options.qos = settings().qos;
    options.retain_as_published = settings().retain_as_published;
    options.retain_handling = settings().retain_handling;
    std::vector<client::FilterSpec> filters;
    for (const std::string& filter : settings().topics) filters.push_back({filter, options});
    if (!filters.empty()) unanswered_.insert(client().subscribe(std::move(filters), settings().subscribe_properties));
    std::vector<client::FilterSpec> gone;
    for (const std::string& filter : settings().unsubscribes) gone.push_back({filter, {}});
    if (!gone.empty()) unanswered_.insert(client().unsubscribe(std::move(gone), settings().unsubscribe_properties));
  }

  void answered(client::RequestHandle handle, const wire::FilterAck& ack) override {
    const bool first_time = unanswered_.erase(handle) != 0;
    if (ack.type == wire::PacketType::suback) report_denied(ack, first_time);
    if (first_time && unanswered_.empty() && settings().exit_after_subscribe) done_ = true;
  }

  void report_denied(const wire::FilterAck& ack, bool first_time) {
    std::size_t denied = 0;
    for (std::size_t i = 0; i < ack.reasons.size(); ++i) {
      const auto reason = static_cast<ReasonCode>(ack.reasons[i]);
      if (!wire::is_failure(reason)) continue;
      ++denied;
      const std::string_view filter = i < settings().topics.size() ? settings().topics[i] : std::string_view("?");
      complain(fmt::format("subscription '{}' was refused: {} (0x{:02X})", filter,
                           wire::reason_text(reason, wire::PacketType::suback), static_cast<unsigned>(reason)));
    }
    if (denied == ack.reasons.size() && first_time) {
      stopping_ = true;
      fail_with(kExitFailed);
    }
  }

  bool filtered_out(std::string_view topic) const {
    return std::any_of(settings().filtered_out.begin(), settings().filtered_out.end(),
                       [topic](const std::string& filter) { return topic::matches(filter, topic); });
  }

  client::AckBy message(const wire::Publish& message, const client::AckToken&) override {
    if (done_ || stopping_) return client::AckBy::user;  // left to the session: not ours to take any more
    if (settings().retained_only && !message.retain) {
      done_ = true;
      return client::AckBy::user;
    }
    if (filtered_out(message.topic)) return client::AckBy::client;
    if (settings().remove_retained && message.retain) {
      client().publish({.topic = message.topic, .payload = {}, .qos = wire::QoS::at_least_once, .retain = true});
    }
    if (settings().skip_retained && message.retain) return client::AckBy::client;
    print(message);
    if (settings().count != 0 && ++counted_ == settings().count) done_ = true;
    return client::AckBy::client;
  }

  void print(const wire::Publish& message) {
    if (settings().shown_percent < 100 &&
        static_cast<double>(random_.below(10'000)) >= settings().shown_percent * 100) {
      return;
    }
    if (format_) {
      if (!format_->write(output_, message, env::posix::wall_time(), settings().pretty)) {
        complain(fmt::format("the payload is not valid JSON on topic {}", message.topic));
      }
      if (settings().end_of_line) output_ += '\n';
    } else {
      write_plain(output_, message, settings().verbose, settings().end_of_line);
    }
    if (output_.size() >= kFlushBytes) flush_output();
  }

  // What is printed is out before its acknowledgement is.
  void before_sending() override { flush_output(); }

  void flush_output() {
    if (output_.empty()) return;
    const bool written = console().write(env::Handle::standard_output, output_);
    output_.clear();
    if (written || stopping_) return;
    stopping_ = true;
    fail_with(kExitFailed);  // nobody reads any more, and nobody would read the complaint
  }

  void interrupted() override {
    stopping_ = true;
    stop();
  }

  std::optional<MessageFormat> format_;
  Random random_;
  std::string output_;
  std::set<client::RequestHandle> unanswered_;
  std::uint64_t counted_ = 0;
  DeadlineMs give_up_at_ = kNever;
  bool asked_ = false;
  bool done_ = false;      // stops as soon as what it published itself is acknowledged
  bool stopping_ = false;  // has said goodbye
};

int run(Console& console, const Settings& settings) {
  return Subscriber(console, settings).run();
}

}  // namespace

int sub_main(int argc, char** argv) {
  return tool_main(kSub, argc, argv, run);
}

}  // namespace martlet::tools
