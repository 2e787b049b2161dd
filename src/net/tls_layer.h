// TLS in the server role between a connection's bytes and what they carry.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/stream_layer.h"
#include "net/tls_openssl.h"
#include "net/tls_pipe.h"
#include "net/tls_set.h"

namespace martlet::net {

// OpenSSL gets whole records only, so that a record that is on its way takes as much memory as has come of it, and
// OpenSSL's buffers live no longer than a call.
class TlsLayer final : public StreamLayer {
 public:
  // All that a client may send until the handshake is done. Certificates are most of it.
  static constexpr std::size_t kMostHandshakeBytes = 96 * 1024;
  // Records after the handshake that carry nothing for above: key updates, warnings, empty ones. So many for nothing,
  // and one more for each kBytesForBarren of data.
  static constexpr std::uint64_t kMostBarren = 64;
  static constexpr std::uint64_t kBytesForBarren = 16 * 1024;

  explicit TlsLayer(std::shared_ptr<const TlsSet> set);
  ~TlsLayer() override;
  TlsLayer(const TlsLayer&) = delete;
  TlsLayer& operator=(const TlsLayer&) = delete;

  LayerStatus receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) override;
  void send(ByteChain& from, std::size_t most_bytes, ByteChain& down) override;
  bool ready() const override { return ready_; }
  bool costly() const override { return !ready_ && status_ == LayerStatus::open; }
  void end(ByteChain& down) override;
  void tell(PeerFacts& facts) const override;
  std::string_view failure() const override { return failure_; }

 private:
  void take_piece(ByteView& bytes, std::vector<std::uint8_t>& up);
  void take_record(ByteView record, std::vector<std::uint8_t>& up);
  void refuse_header(ByteView bytes, std::vector<std::uint8_t>& up);
  void shake_hands(std::size_t record_bytes);
  void read_all(std::size_t record_bytes, std::vector<std::uint8_t>& up);
  void fail_with(std::string why);
  void fail_by_openssl();

  std::shared_ptr<const TlsSet> set_;
  TlsNotes notes_;
  TlsPipe pipe_;
  OwnedSsl tls_;
  std::vector<std::uint8_t> partial_;  // the beginning of a record
  std::string failure_;
  std::uint64_t received_bytes_ = 0;  // until ready: of the handshake; then of data
  std::uint64_t barren_records_ = 0;
  LayerStatus status_ = LayerStatus::open;
  bool ready_ = false;
  bool ended_ = false;  // by us
};

}  // namespace martlet::net
