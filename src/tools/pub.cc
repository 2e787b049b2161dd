#include "tools/pub.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "tools/line_splitter.h"
#include "tools/tool.h"

namespace martlet::tools {
namespace {

using wire::ReasonCode;

// With more than this waiting for the broker nothing more is read or repeated.
constexpr std::size_t kMostWaitingMessages = 5'000;
constexpr std::uint64_t kMostWaitingBytes = 4u << 20;
constexpr std::size_t kReadBytes = 64 * 1024;

class Publisher final : public ToolProcess {
 public:
  Publisher(Console& console, const Settings& settings) : ToolProcess(console, settings) {
    lines_ = settings.source == MessageSource::stdin_lines;
  }

  // Reads what is to be sent, where that is known before connecting.
  Result<void> load() {
    switch (settings().source) {
      case MessageSource::text:
        payload_ = settings().message;
        break;
      case MessageSource::file: {
        auto text = console().files->read_all(settings().file, wire::kMaxRemainingLength);
        if (!text) return fail(fmt::format("-f: {}", text.error().message));
        payload_ = std::move(*text);
        break;
      }
      case MessageSource::stdin_whole:
        return read_whole_input();
      default:
        break;
    }
    return {};
  }

 private:
  Result<void> read_whole_input() {
    std::array<std::uint8_t, kReadBytes> room;
    for (;;) {
      const env::IoOutcome outcome = console().files->read_some(env::Handle::standard_input, room);
      if (outcome.status == env::IoStatus::closed) return {};
      if (outcome.status == env::IoStatus::failed) return fail("-s: cannot read the standard input");
      payload_ += as_text(ByteView(room).first(outcome.bytes));
      if (payload_.size() > wire::kMaxRemainingLength) {
        return fail("-s: the input is larger than the 268435455 bytes of the largest MQTT packet");
      }
    }
  }

  DeadlineMs before_turn() override {
    if (stopping_ || !was_connected_) return kNever;
    const DeadlineMs next = lines_ ? read_when_room() : repeat_when_due();
    if (all_handed_in_ && client().unfinished() == 0) finish();
    return next;
  }

  bool has_room() {
    return client().waiting_messages() < kMostWaitingMessages && client().waiting_bytes() < kMostWaitingBytes;
  }

  DeadlineMs repeat_when_due() {
    const DeadlineMs now_ms = client().now().mono_ms;
    while (published_ < settings().repeat) {
      if (next_at_ms_ > now_ms) return next_at_ms_;
      if (!has_room()) return kNever;  // an acknowledgement ends the wait
      publish(payload_);
      next_at_ms_ = settings().repeat_delay_ms == 0 ? 0 : now_ms + settings().repeat_delay_ms;
    }
    all_handed_in_ = true;
    return kNever;
  }

  DeadlineMs read_when_room() {
    const bool wanted = !all_handed_in_ && has_room();
    if (wanted == watching_) return kNever;
    watching_ = wanted;
    if (!wanted) {
      client().unwatch(env::Handle::standard_input);
    } else if (auto watched = client().watch(env::Handle::standard_input, kInputToken); !watched) {
      complain(fmt::format("cannot wait for the standard input: {}", watched.error().message));
      fail_with(kExitFailed);
    }
    return kNever;
  }

  void external_ready(std::uint32_t token) override {
    if (token != kInputToken) return ToolProcess::external_ready(token);
    std::array<std::uint8_t, kReadBytes> room;
    const env::IoOutcome outcome = console().files->read_some(env::Handle::standard_input, room);
    const auto send = [this](std::string_view line) { publish(line); };
    if (outcome.status == env::IoStatus::ok) {
      splitter_.feed(as_text(ByteView(room).first(outcome.bytes)), send);
      if (splitter_.held_bytes() > wire::kMaxRemainingLength) {
        complain("a line is longer than the 268435455 bytes of the largest MQTT packet");
        fail_with(kExitFailed);
      }
    } else if (outcome.status != env::IoStatus::would_block) {
      splitter_.finish(send);
      all_handed_in_ = true;
    }
  }

  void publish(std::string_view payload) {
    ++published_;
    client().publish({.topic = settings().topics[0],
                      .payload = as_bytes(payload),
                      .qos = settings().qos,
                      .retain = settings().retain,
                      .properties = settings().publish_properties.properties()});
  }

  void connected(const wire::Connack&) override { was_connected_ = true; }

  void published(client::PublishHandle handle, ReasonCode reason) override {
    if (!wire::is_failure(reason)) return;
    ++refused_;
    complain(fmt::format("message {} was not published: {} (0x{:02X})", handle,
                         wire::reason_text(reason, wire::PacketType::puback), static_cast<unsigned>(reason)));
  }

  void interrupted() override {
    if (const std::size_t left = client().unfinished(); left != 0) {
      complain(fmt::format("interrupted: {} messages were not acknowledged", left));
      stopping_ = true;
      return fail_with(kExitFailed);
    }
    finish();
  }

  void finish() {
    stopping_ = true;
    refused_ == 0 ? stop() : fail_with(kExitFailed);
  }

  std::string payload_;
  LineSplitter splitter_;
  std::uint64_t published_ = 0;
  std::uint64_t refused_ = 0;
  DeadlineMs next_at_ms_ = 0;
  bool lines_ = false;
  bool watching_ = false;
  bool was_connected_ = false;
  bool all_handed_in_ = false;
  bool stopping_ = false;
};

int run(Console& console, const Settings& settings) {
  Publisher publisher(console, settings);
  if (auto loaded = publisher.load(); !loaded) {
    console.error(fmt::format("martlet pub: {}\n", loaded.error().message));
    return kExitFailed;
  }
  return publisher.run();
}

}  // namespace

int pub_main(int argc, char** argv) {
  return tool_main(kPub, argc, argv, run);
}

}  // namespace martlet::tools
