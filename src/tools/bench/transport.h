// The filter that a run's connections need: none for plain TCP, else TLS, WebSocket, or WebSocket over TLS.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "tools/bench/byte_filter.h"
#include "tools/bench/options.h"
#include "tools/bench/tls_filter.h"

namespace martlet::tools::bench {

// `upper` over `lower`: each of them sees the other as its peer or user. They share no buffer between calls.
class StackedFilter final : public ByteFilter {
 public:
  StackedFilter(std::unique_ptr<ByteFilter> upper, std::unique_ptr<ByteFilter> lower)
      : upper_(std::move(upper)), lower_(std::move(lower)) {}

  void start(ByteBuffer& to_peer) override { lower_->start(to_peer); }
  bool receive(ByteView bytes, ByteBuffer& to_user, ByteBuffer& to_peer) override;
  bool ready() const override { return upper_->ready(); }
  bool send(ByteView bytes, ByteBuffer& to_peer) override;
  void close(ByteBuffer& to_peer) override;

 private:
  std::unique_ptr<ByteFilter> upper_;
  std::unique_ptr<ByteFilter> lower_;
  bool upper_started_ = false;
};

class TransportMaker {
 public:
  // `options` outlives it. An Error when certificates cannot be used.
  static Result<std::unique_ptr<TransportMaker>> make(const BenchOptions& options);

  // For a new connection; nullptr: MQTT's bytes are the socket's. Any thread.
  std::unique_ptr<ByteFilter> make_filter(std::uint64_t seed) const;

 private:
  explicit TransportMaker(const BenchOptions& options) : options_(options) {}

  const BenchOptions& options_;
  std::unique_ptr<TlsContext> tls_;
};

}  // namespace martlet::tools::bench
