// Messages with so many receivers that they are given out in parts, a part a turn, so that other clients do not wait
// for all of it. What several messages owe one session is given in one part, in their order. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/ports.h"
#include "broker/session.h"
#include "session/message.h"

namespace martlet::broker {

// A message and who is still to get it.
struct FanOut {
  struct Target {
    std::uint32_t session;  // number, ...
    std::uint32_t generation;
    std::uint32_t identifiers_begin;  // ... subscription identifiers, as a part of `identifiers`
    std::uint32_t identifiers_count;
    wire::QoS qos;
    bool retain;
  };

  session::MessageRef message;
  std::optional<ConnectionId> publisher;  // that is not read on meanwhile
  std::vector<Target> targets;
  std::vector<std::uint32_t> identifiers;

  void add(const Session& session, std::span<const std::uint32_t> subscription_identifiers, wire::QoS qos,
           bool retain) {
    targets.push_back({session.number, session.generation, static_cast<std::uint32_t>(identifiers.size()),
                       static_cast<std::uint32_t>(subscription_identifiers.size()), qos, retain});
    identifiers.insert(identifiers.end(), subscription_identifiers.begin(), subscription_identifiers.end());
  }
  std::span<const std::uint32_t> identifiers_of(const Target& target) const {
    return std::span(identifiers).subspan(target.identifiers_begin, target.identifiers_count);
  }
};

// What came while a round was under way makes the next one.
class FanOutQueue {
 public:
  bool empty() const { return round_.empty() && waiting_.empty(); }
  // Whether a message of the publisher (its hash) is unfinished: its later ones have to come here too.
  bool has(std::uint64_t publisher) const { return !unfinished_.empty() && unfinished_.contains(publisher); }
  void push(FanOut fan_out) {
    ++unfinished_[fan_out.message->facts().publisher];
    waiting_.push_back(std::move(fan_out));
  }
  // The message that was pushed last, if it is this one.
  FanOut* pushed(const session::MessageRef& message) {
    return !waiting_.empty() && waiting_.back().message.get() == message.get() ? &waiting_.back() : nullptr;
  }
  const std::vector<FanOut>& waiting() const { return waiting_; }

  // The messages of which a part is due now: to each target for which is_due() holds. A part is about `most` sessions.
  // Then comes end_part().
  const std::vector<FanOut>& begin_part(std::size_t most) {
    if (!round_.empty()) return round_;
    round_ = std::exchange(waiting_, {});
    std::size_t longest = 0;
    std::size_t all = 0;
    for (const FanOut& fan_out : round_) {
      longest = std::max(longest, fan_out.targets.size());
      all += fan_out.targets.size();
    }
    part_ = 0;
    parts_ = static_cast<std::uint32_t>(std::max(longest, all / kMostEach) / most + 1);
    return round_;
  }
  bool is_due(const FanOut::Target& target) const { return target.session % parts_ == part_; }
  // What is finished with this part.
  std::vector<FanOut> end_part() {
    if (++part_ < parts_) return {};
    for (const FanOut& fan_out : round_) {
      const auto unfinished = unfinished_.find(fan_out.message->facts().publisher);
      if (--unfinished->second == 0) unfinished_.erase(unfinished);
    }
    return std::exchange(round_, {});
  }

 private:
  // Of several messages to the same sessions a part has at most so many for each, on average.
  static constexpr std::size_t kMostEach = 8;

  std::vector<FanOut> round_;
  std::vector<FanOut> waiting_;
  std::uint32_t part_ = 0;
  std::uint32_t parts_ = 1;
  std::unordered_map<std::uint64_t, std::uint32_t> unfinished_;  // messages, by publisher
};

}  // namespace martlet::broker
