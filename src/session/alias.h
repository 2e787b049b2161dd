// Topic aliases of one connection, both ways; they die with it [MQTT-3.3.2-7].
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::session {

// Aliases that the peer defined. Memory grows with what it defines, up to the maximum that we announced.
class IncomingAliases {
 public:
  void set_maximum(std::uint16_t maximum) { maximum_ = maximum; }
  std::uint16_t maximum() const { return maximum_; }
  // `alias` is from 1 to maximum(). A defined alias may be defined again.
  void define(std::uint16_t alias, std::string_view topic);
  // The topic, or nothing if the alias was not defined. The view lives until the alias is defined again.
  std::optional<std::string_view> find(std::uint16_t alias) const;

 private:
  std::unique_ptr<std::vector<std::string>> topics_;  // index: alias - 1
  std::uint16_t maximum_ = 0;
};

// Aliases that we define towards the peer, chosen by ourselves: the first topics get one; a topic loses it to a newer
// one when it was not used for a while.
class OutgoingAliases {
 public:
  struct Choice {
    std::uint16_t alias = 0;  // 0: send the topic as it is
    bool known = false;       // the peer knows the alias: the topic can be left out
  };

  // `maximum` is the peer's Topic Alias Maximum; we use at most kMostUsed of it.
  void set_maximum(std::uint16_t maximum);
  // How to send a PUBLISH with `topic` now. Call it only for a packet that is then really sent.
  Choice choose(std::string_view topic);

 private:
  static constexpr std::uint16_t kMostUsed = 32;
  static constexpr std::size_t kShortestTopic = 4;  // an alias costs three bytes itself

  struct Entry {
    std::uint64_t hash;
    std::uint64_t last_used;
    std::string topic;
  };

  struct Used {
    std::vector<Entry> entries;  // index: alias - 1
    std::uint64_t uses = 0;
  };

  std::unique_ptr<Used> used_;  // from the first topic on
  std::uint16_t maximum_ = 0;
};

}  // namespace martlet::session
