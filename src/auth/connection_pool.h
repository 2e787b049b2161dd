// Connections to a service that are kept open, for workers that share them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "auth/lookup_provider.h"
#include "env/deadline.h"

namespace martlet::auth {

// `Connection` has usable(): whether it may be asked again. Any thread.
template <class Connection>
class ConnectionPool {
 public:
  // The right to have one of the pool's connections; goes back, with the connection if that is usable, at its end.
  class Place {
   public:
    explicit Place(ConnectionPool* pool) : pool_(pool) {}
    Place(Place&& other) noexcept
        : connection(std::move(other.connection)), pool_(std::exchange(other.pool_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (pool_ != nullptr) pool_->give_back(std::move(connection));
    }
    explicit operator bool() const { return pool_ != nullptr; }

    std::unique_ptr<Connection> connection;  // null: its holder opens one

   private:
    ConnectionPool* pool_;
  };

  // At most `most` (at least 1) at once.
  explicit ConnectionPool(std::size_t most) : free_(most == 0 ? 1 : most) {}

  // Waits for a place until `deadline`; false if none got free.
  Place take(const env::Deadline& deadline) {
    std::unique_lock lock(mutex_);
    const auto wait = std::chrono::milliseconds(deadline.left_ms());
    if (!freed_.wait_for(lock, wait, [this] { return free_ > 0; })) return Place(nullptr);
    --free_;
    Place place(this);
    if (!idle_.empty()) {
      place.connection = std::move(idle_.back());
      idle_.pop_back();
    }
    return place;
  }

  // After one of them was found dead: the others hardly live.
  void drop_idle() {
    std::vector<std::unique_ptr<Connection>> dropped;
    const std::scoped_lock lock(mutex_);
    dropped.swap(idle_);
  }

 private:
  void give_back(std::unique_ptr<Connection> connection) {
    {
      const std::scoped_lock lock(mutex_);
      if (connection != nullptr && connection->usable()) idle_.push_back(std::move(connection));
      ++free_;
    }
    freed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t free_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

// Asks through one of the pool's connections. One that was idle may have died meanwhile: then through a new one.
//   open() -> Result<std::unique_ptr<Connection>>
//   use(Connection&) -> Asked
template <class Connection, class Open, class Use>
Asked ask_through(ConnectionPool<Connection>& pool, const env::Deadline& deadline, Open open, Use use) {
  auto place = pool.take(deadline);
  if (!place || deadline.passed()) return Asked::untried("all connections are busy");
  if (place.connection != nullptr) {
    Asked asked = use(*place.connection);
    if (asked.reach != Asked::Reach::failed || deadline.passed()) return asked;
    place.connection.reset();
    pool.drop_idle();
  }
  auto opened = open();
  if (!opened) return Asked::unreached(opened.error().message);
  place.connection = std::move(*opened);
  return use(*place.connection);
}

}  // namespace martlet::auth
