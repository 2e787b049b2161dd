// The PROXY protocol, versions 1 and 2: a load balancer in front says, before the first byte of the stream, whose
// connection it passes on. https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/network_range.h"
#include "net/stream_layer.h"

namespace martlet::net {

struct ProxyOptions {
  // Who may send a header; others' connections fail, since anybody could claim any address. Empty: everybody. The peers
  // of a Unix socket always may: its file's permissions say who they are.
  std::vector<NetworkRange> trusted;
  // The common name of a client's certificate that the proxy has verified becomes certificate_name of PeerFacts.
  bool certificate_name = false;
};

// Whether `peer_address`, a socket's, is one of those that may.
bool may_send_header(const std::vector<NetworkRange>& trusted, std::string_view peer_address);

// Requires a header, of either version, and takes it off; the rest passes unchanged. A proxy's own connection (LOCAL,
// its health check) and a stream of unknown kind (UNKNOWN, UNSPEC) keep the socket's address. What a header of
// version 2 says besides (TLVs) is passed over, but for the certificate's name; its checksum is not verified.
class ProxyLayer final : public StreamLayer {
 public:
  static constexpr std::size_t kMostV1Bytes = 107;
  static constexpr std::size_t kMostV2Bytes = 4096;  // with its TLVs

  // `options` may go before the layer; `peer_address` is the socket's.
  ProxyLayer(const ProxyOptions& options, std::string_view peer_address);

  LayerStatus receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) override;
  void send(ByteChain& from, std::size_t most_bytes, ByteChain& down) override;
  bool ready() const override { return stage_ == Stage::passing; }
  void end(ByteChain&) override {}  // a header is all that there is to this layer
  void tell(PeerFacts& facts) const override;
  std::string_view peer_address() const override { return ready() ? std::string_view(address_) : std::string_view(); }
  std::string_view failure() const override { return failure_; }

 private:
  enum class Stage : std::uint8_t { header, passing, failed };

  LayerStatus fail(std::string_view why);
  // How many bytes the header surely has, from those that are there; more than those until it is complete. 0 after a
  // failure.
  std::size_t header_bytes();
  // Read a complete header. False after a failure.
  bool read_v1();
  bool read_v2();
  bool read_tlvs(std::string_view tlvs);
  bool read_tls(std::string_view value);

  const bool takes_certificate_name_;
  const bool trusted_;
  Stage stage_ = Stage::header;
  std::string header_;  // as far as it has come
  std::string address_;
  std::string certificate_name_;
  std::string failure_;
};

class ProxyFactory final : public LayerFactory {
 public:
  explicit ProxyFactory(ProxyOptions options) : options_(std::move(options)) {}
  std::unique_ptr<StreamLayer> make(std::string_view peer_address) override {
    return std::make_unique<ProxyLayer>(options_, peer_address);
  }

 private:
  const ProxyOptions options_;
};

}  // namespace martlet::net
