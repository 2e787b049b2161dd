#include "tools/prove/publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "env/posix/system.h"
#include "tools/exit_code.h"
#include "tools/prove/publisher_client.h"

namespace martlet::tools::prove {
namespace {

constexpr std::int64_t kLookAfterMs = 20;

class Publishers {
 public:
  Publishers(const ProveOptions& options, std::uint64_t run) : options_(options), run_(run) {}

  int go();

 private:
  Result<void> open();
  void wait_for_the_end();
  bool input_ended();
  void write(std::string_view lines);
  void write(const JournalEntry& entry);
  template <class Holds>
  bool all(Holds&& holds) const {
    return std::all_of(clients_.begin(), clients_.end(), [&](const auto& client) { return holds(*client); });
  }

  const ProveOptions& options_;
  const std::uint64_t run_;
  const std::unique_ptr<env::Files> files_ = env::posix::make_files();
  const std::unique_ptr<env::Clock> clock_ = env::posix::make_clock();
  std::unique_ptr<env::Network> waiter_;
  std::vector<std::unique_ptr<env::Network>> networks_;
  std::vector<std::unique_ptr<PublisherClient>> clients_;
  std::mutex writing_;
};

void Publishers::write(std::string_view lines) {
  const std::lock_guard lock(writing_);
  // If nobody reads any more, the end of the standard input says so too.
  static_cast<void>(files_->write_stream(env::Handle::standard_output, as_bytes(lines)));
}

void Publishers::write(const JournalEntry& entry) {
  std::string line;
  append_entry(line, entry);
  write(line);
}

Result<void> Publishers::open() {
  auto waiter = env::posix::make_network();
  if (!waiter) return tl::unexpected(waiter.error());
  waiter_ = std::move(*waiter);
  for (std::uint32_t i = 0; i < options_.publishers; ++i) {
    auto network = env::posix::make_network();
    if (!network) return tl::unexpected(network.error());
    networks_.push_back(std::move(*network));
    clients_.push_back(std::make_unique<PublisherClient>(options_, run_, i, *networks_.back(), *clock_,
                                                         [this](std::string_view lines) { write(lines); }));
  }
  return waiter_->watch(env::Handle::standard_input, {.read = true}, 0);
}

bool Publishers::input_ended() {
  std::array<std::uint8_t, 64> room;
  return files_->read_some(env::Handle::standard_input, room).status != env::IoStatus::ok;
}

void Publishers::wait_for_the_end() {
  bool said_ready = false;
  bool said_published = false;
  for (;;) {
    env::Event event;
    if (waiter_->wait(kLookAfterMs, {&event, 1}) > 0 && input_ended()) return;
    if (!said_ready && all([](const auto& client) { return client.ready(); })) {
      said_ready = true;
      write(JournalEntry{JournalKind::ready});
    }
    if (!said_published && all([](const auto& client) { return client.published_all(); })) {
      said_published = true;
      write(JournalEntry{JournalKind::published});
    }
  }
}

int Publishers::go() {
  if (auto opened = open(); !opened) {
    write(JournalEntry{JournalKind::error, {}, opened.error().message});
    return kExitCouldNotRun;
  }
  std::vector<std::thread> threads;
  threads.reserve(clients_.size());
  for (const auto& client : clients_) threads.emplace_back([&client] { client->run(); });
  wait_for_the_end();
  for (const auto& client : clients_) client->stop();
  for (std::thread& thread : threads) thread.join();
  std::uint64_t published = 0;
  for (const auto& client : clients_) published += client->published();
  write(JournalEntry{JournalKind::done, {}, fmt::format("{}", published)});
  return kExitDone;
}

}  // namespace

int run_publishers(const ProveOptions& options, std::uint64_t run) {
  return Publishers(options, run).go();
}

}  // namespace martlet::tools::prove
