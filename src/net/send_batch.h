// Outboxes that are written together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/byte_chain.h"
#include "env/network.h"
#include "net/connection_id.h"

namespace martlet::net {

class SendBatch {
 public:
  struct Result {
    ConnectionId id;
    std::size_t offered_bytes;
    env::IoOutcome outcome;
  };

  // Takes up to `most` connections at a time, at least one.
  explicit SendBatch(std::size_t most) : most_(most), views_(std::max(kViewsEach * most, env::kMaxWriteViews)) {}

  bool empty() const { return sendings_.empty() && passed_.empty(); }
  // Write first: there is no room for one more.
  bool full() const { return sendings_.size() == most_ || used_views_ + env::kMaxWriteViews > views_.size(); }

  // The first bytes of `outbox`, which is not empty and may grow but not shrink before write() is over. Not when full.
  void add(ConnectionId id, env::Handle handle, const ByteChain& outbox) {
    ByteView* const first = views_.data() + used_views_;
    const std::size_t count = outbox.front(first, env::kMaxWriteViews);
    used_views_ += count;
    sendings_.push_back({handle, {first, count}, {}});
    ids_.push_back(id);
  }

  // One that has nothing to write now: its result comes with the others', with nothing offered.
  void pass(ConnectionId id) { passed_.push_back(id); }

  // Writes what was added, and is empty then. The results are good until the next write().
  std::span<const Result> write(env::Network& network) {
    if (!sendings_.empty()) network.write_all(sendings_);
    results_.clear();
    for (std::size_t i = 0; i < sendings_.size(); ++i) {
      std::size_t offered = 0;
      for (const ByteView view : sendings_[i].views) offered += view.size();
      results_.push_back({ids_[i], offered, sendings_[i].outcome});
    }
    for (const ConnectionId id : passed_) results_.push_back({id, 0, {}});
    sendings_.clear();
    ids_.clear();
    passed_.clear();
    used_views_ = 0;
    return results_;
  }

 private:
  static constexpr std::size_t kViewsEach = 8;  // room for the usual outbox

  const std::size_t most_;
  std::vector<ByteView> views_;
  std::size_t used_views_ = 0;
  std::vector<env::Sending> sendings_;
  std::vector<ConnectionId> ids_;  // of the sendings
  std::vector<ConnectionId> passed_;
  std::vector<Result> results_;
};

}  // namespace martlet::net
