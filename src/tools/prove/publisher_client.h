// One publisher with its connection, on a thread of its own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "client/client.h"
#include "env/clock.h"
#include "tools/bench/pacing.h"
#include "tools/prove/journal.h"
#include "tools/prove/ledger.h"
#include "tools/prove/options.h"

namespace martlet::tools::prove {

class PublisherClient final : private client::ClientHandler, private client::PacketTrace {
 public:
  // What comes before is atomic: all of one call's lines stay together. Called on this client's thread.
  using WriteJournal = std::function<void(std::string_view lines)>;

  PublisherClient(const ProveOptions& options, std::uint64_t run, std::uint32_t number, env::Network& network,
                  env::Clock& clock, WriteJournal write);
  ~PublisherClient() override = default;

  // Publishes until it is told to stop, then waits for acknowledgements, and ends the session.
  void run();
  // Publish no more. Any thread.
  void stop();

  bool ready() const { return ready_; }                  // it has been connected. Any thread
  bool published_all() const { return published_all_; }  // as far as options limit it. Any thread
  std::uint64_t published() const { return published_count_; }

 private:
  // client::ClientHandler
  void connected(const wire::Connack& connack) override;
  void refused(const wire::Connack& connack, DeadlineMs retry_at) override;
  void lost(const client::Loss& loss) override;
  void published(client::PublishHandle handle, wire::ReasonCode reason) override;
  // client::PacketTrace
  void sent(const wire::Packet& packet) override;
  void received(const wire::Packet& packet) override;

  DeadlineMs publish_due();
  void publish_one();
  bool limit_reached(std::uint64_t now_ns) const;
  void come_back_later(std::string_view why, DeadlineMs retry_at);
  void fail(std::string_view why);
  void note(const JournalEntry& entry) { append_entry(lines_, entry); }
  void write_lines();

  const ProveOptions& options_;
  const std::uint64_t run_;
  const std::uint32_t number_;
  const std::string prefix_;
  env::Clock& clock_;
  WriteJournal write_;
  client::Client client_;
  Random random_;
  bench::Pacing pacing_;
  std::uint64_t publish_until_ns_ = 0;
  std::uint64_t most_messages_ = 0;

  std::atomic<bool> stop_{false};
  std::atomic<bool> ready_{false};
  std::atomic<bool> published_all_{false};
  bool failed_ = false;
  DeadlineMs start_again_at_ = kNever;
  DeadlineMs progress_ms_ = 0;  // the last acknowledgement

  std::uint64_t published_count_ = 0;
  std::array<std::uint64_t, kStreamsPerPublisher> next_sequence_{};
  std::unordered_map<client::PublishHandle, MessageId> pending_;
  std::set<MessageId> received_;         // PUBREC came, the end did not
  std::vector<MessageId> by_packet_id_;  // as last sent
  std::string lines_;
};

}  // namespace martlet::tools::prove
