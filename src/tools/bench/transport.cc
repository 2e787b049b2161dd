#include "tools/bench/transport.h"

#include "tools/bench/websocket_filter.h"

namespace martlet::tools::bench {

bool StackedFilter::receive(ByteView bytes, ByteBuffer& to_user, ByteBuffer& to_peer) {
  ByteBuffer middle;
  ByteBuffer answer;
  if (!lower_->receive(bytes, middle, to_peer)) return fail_with(lower_->error());
  if (lower_->ready() && !upper_started_) {
    upper_started_ = true;
    upper_->start(answer);
  }
  const bool fine = middle.empty() || upper_->receive(middle, to_user, answer);
  if (!answer.empty() && !lower_->send(answer, to_peer)) return fail_with(lower_->error());
  return fine || fail_with(upper_->error());
}

bool StackedFilter::send(ByteView bytes, ByteBuffer& to_peer) {
  ByteBuffer middle;
  if (!upper_->send(bytes, middle)) return fail_with(upper_->error());
  return lower_->send(middle, to_peer) || fail_with(lower_->error());
}

void StackedFilter::close(ByteBuffer& to_peer) {
  if (!ready()) return;
  ByteBuffer middle;
  upper_->close(middle);
  static_cast<void>(lower_->send(middle, to_peer));
  lower_->close(to_peer);
}

Result<std::unique_ptr<TransportMaker>> TransportMaker::make(const BenchOptions& options) {
  std::unique_ptr<TransportMaker> made(new TransportMaker(options));
  if (options.tls.on) {
    auto context = TlsContext::make(options.tls, options.broker.host);
    if (!context) return tl::unexpected(context.error());
    made->tls_ = std::move(*context);
  }
  return made;
}

std::unique_ptr<ByteFilter> TransportMaker::make_filter(std::uint64_t seed) const {
  std::unique_ptr<ByteFilter> lower = tls_ ? tls_->make_filter() : nullptr;
  if (!options_.websocket) return lower;
  auto upper = std::make_unique<WebSocketFilter>(env::to_text(options_.broker), options_.websocket_path, seed);
  if (!lower) return upper;
  return std::make_unique<StackedFilter>(std::move(upper), std::move(lower));
}

}  // namespace martlet::tools::bench
