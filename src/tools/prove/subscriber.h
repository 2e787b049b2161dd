// One subscriber with its connection and its ledger, on a thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/random.h"
#include "client/client.h"
#include "env/clock.h"
#include "tools/prove/ledger.h"
#include "tools/prove/options.h"

namespace martlet::tools::prove {

enum class Presence : std::uint8_t {
  always,
  now_and_then,
  at_the_end,  // it subscribes, leaves, and comes back when all is published
};

// Of subscriber `number`: the last options.offline of them are away.
Presence presence_of(const ProveOptions& options, std::uint32_t number);

class Subscriber final : private client::ClientHandler {
 public:
  Subscriber(const ProveOptions& options, std::uint64_t run, std::uint32_t number, env::Network& network,
             env::Clock& clock);
  ~Subscriber() override = default;

  // Subscribes and takes messages until finish(); then ends the session.
  void run();

  // All of these: any thread.
  bool ready() const { return ready_; }          // its SUBACK came
  bool connected() const { return connected_; }  // as of its last turn
  // Why it could not be made ready, or empty.
  std::string error() const;
  void come_for_good();  // whatever its presence
  void reconnect();      // once
  void finish();
  std::uint64_t deliveries() const { return deliveries_; }
  std::uint64_t first_deliveries() const { return first_deliveries_; }
  std::uint64_t forgotten() const { return forgotten_; }  // session present 0 where 1 was due
  // Times that it left because the broker broke the protocol, by how it did.
  std::map<std::string, std::uint64_t> breaches() const;
  bool has_all(const MessageSet& acknowledged) const;
  // Adds its part to `findings`, and to `examples` of what went wrong as long as there are few.
  void report(Findings& findings, std::vector<std::string>& examples, const MessageSet& acknowledged,
              const MessageSet& received) const;

 private:
  // client::ClientHandler
  void connected(const wire::Connack& connack) override;
  void refused(const wire::Connack& connack, DeadlineMs retry_at) override;
  void lost(const client::Loss& loss) override;
  void answered(client::RequestHandle handle, const wire::FilterAck& ack) override;
  client::AckBy message(const wire::Publish& publish, const client::AckToken& token) override;

  // Comes and goes; returns when to look again.
  DeadlineMs keep_presence();
  void come_back_later(std::string_view why, DeadlineMs retry_at);
  void fail(std::string_view why);
  void note_example(std::string_view what, const MessageId& id);

  const ProveOptions& options_;
  const std::uint64_t run_;
  const std::uint32_t number_;
  const std::string prefix_;
  const Presence presence_;
  env::Clock& clock_;
  client::Client client_;
  Random random_;
  bool running_ = false;      // the client is started
  bool wants_online_ = true;  // now and then: at present
  DeadlineMs switch_at_ = kNever;
  DeadlineMs start_again_at_ = 0;

  std::atomic<bool> ready_{false};
  std::atomic<bool> connected_{false};
  std::atomic<bool> for_good_{false};
  std::atomic<bool> reconnect_{false};
  std::atomic<bool> finish_{false};
  std::atomic<std::uint64_t> deliveries_{0};
  std::atomic<std::uint64_t> first_deliveries_{0};
  std::atomic<std::uint64_t> forgotten_{0};

  mutable std::mutex mutex_;  // of all below
  Ledger ledger_;
  std::vector<std::string> examples_;
  std::map<std::string, std::uint64_t> breaches_;
  std::string error_;
};

}  // namespace martlet::tools::prove
