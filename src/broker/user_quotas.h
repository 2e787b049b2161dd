// What the clients of one user may publish together, on whatever cores they are. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "broker/publish_quota.h"

namespace martlet::broker {

// Of a user, whose clients may be on several cores.
class UserQuota {
 public:
  UserQuota(const PublishRates& rates, std::int64_t now_ms) : buckets_(rates, now_ms) {}
  DeadlineMs take(std::size_t size, std::int64_t now_ms) {
    const std::lock_guard lock(lock_);
    return buckets_.take(size, now_ms);
  }
  DeadlineMs ready_at(std::int64_t now_ms) {
    const std::lock_guard lock(lock_);
    return buckets_.ready_at(now_ms);
  }
  bool full(std::int64_t now_ms) {
    const std::lock_guard lock(lock_);
    return buckets_.full(now_ms);
  }

 private:
  std::mutex lock_;
  PublishBuckets buckets_;
};

// The users that are connected, and those who are not but whose buckets are not full: to come back gains nothing.
class UserQuotas {
 public:
  std::shared_ptr<UserQuota> of(std::string_view username, const PublishRates& rates, std::int64_t now_ms) {
    const std::lock_guard lock(lock_);
    if (users_.size() >= sweep_at_) sweep(now_ms);
    std::shared_ptr<UserQuota>& quota = users_[std::string(username)];
    if (!quota) quota = std::make_shared<UserQuota>(rates, now_ms);
    return quota;
  }
  std::size_t size() const {
    const std::lock_guard lock(lock_);
    return users_.size();
  }

 private:
  static constexpr std::size_t kLeastSwept = 64;

  void sweep(std::int64_t now_ms) {
    std::erase_if(users_, [&](const auto& one) { return one.second.use_count() == 1 && one.second->full(now_ms); });
    sweep_at_ = std::max(2 * users_.size(), kLeastSwept);
  }

  mutable std::mutex lock_;
  std::unordered_map<std::string, std::shared_ptr<UserQuota>> users_;
  std::size_t sweep_at_ = kLeastSwept;
};

}  // namespace martlet::broker
