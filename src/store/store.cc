#include "store/store.h"

#include <algorithm>
#include <utility>

namespace martlet::store {

Store::Store(std::unique_ptr<Backend> backend, Committer::Options options, std::uint32_t writers)
    : backend_(std::move(backend)),
      committer_(std::make_unique<Committer>(*backend_, std::move(options), writers)),
      positions_(backend_->end()) {
  for (std::uint32_t i = 0; i < writers; ++i) {
    writers_.push_back(std::make_unique<Writer>(*committer_, positions_, i, *backend_));
  }
}

std::unique_ptr<Store> Store::start(std::unique_ptr<Backend> backend, Committer::Options options,
                                    std::uint32_t writers) {
  std::unique_ptr<Store> store = stepped(std::move(backend), std::move(options), writers);
  store->committer_->start();
  return store;
}

std::unique_ptr<Store> Store::stepped(std::unique_ptr<Backend> backend, Committer::Options options,
                                      std::uint32_t writers) {
  return std::unique_ptr<Store>(new Store(std::move(backend), std::move(options), writers));
}

Store::~Store() {
  (void)close();
}

void Store::skip_to(Position position) {
  for (const auto& writer : writers_) writer->skip_to(position);
}

Position Store::appended_end() const {
  Position end = backend_->end();
  for (const auto& writer : writers_) end = std::max(end, writer->appended_end());
  return end;
}

Result<void> Store::close() {
  if (std::exchange(closed_, true)) return {};
  Result<void> finished = committer_->finish();
  const Result<void> closed = backend_->close();
  return finished ? closed : finished;
}

}  // namespace martlet::store
