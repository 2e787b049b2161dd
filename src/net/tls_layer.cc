#include "net/tls_layer.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>

#include "base/check.h"
#include "net/tls_report.h"

namespace martlet::net {
namespace {

constexpr std::size_t kHeaderBytes = 5;
// What one record carries at most, and what sealing adds at most (RFC 5246, 6.2.3).
constexpr std::size_t kRecordBytes = 16 * 1024;
constexpr std::size_t kSealBytes = 2 * 1024;

// With its header.
std::size_t record_bytes(ByteView header) {
  return kHeaderBytes + (static_cast<std::size_t>(header[3]) << 8) + header[4];
}

// change_cipher_spec, alert, handshake, application_data; version 3.x.
bool good_header(ByteView header) {
  return header[0] >= 20 && header[0] <= 23 && header[1] == 3 &&
         record_bytes(header) <= kHeaderBytes + kRecordBytes + kSealBytes;
}

}  // namespace

TlsLayer::TlsLayer(std::shared_ptr<const TlsSet> set) : set_(std::move(set)), tls_(SSL_new(set_->context.get())) {
  check(tls_ != nullptr, "OpenSSL makes a connection");
  notes_.set = set_.get();
  SSL_set_app_data(tls_.get(), &notes_);
  BIO* pipe = make_pipe_bio(pipe_).release();
  SSL_set_bio(tls_.get(), pipe, pipe);
  SSL_set_accept_state(tls_.get());
}

TlsLayer::~TlsLayer() = default;

LayerStatus TlsLayer::receive(ByteView bytes, std::vector<std::uint8_t>& up, ByteChain& down) {
  pipe_.to_peer = &down;
  while (!bytes.empty() && status_ == LayerStatus::open) take_piece(bytes, up);
  pipe_.to_peer = nullptr;
  return status_;
}

// Takes a whole record off the front of `bytes`, or keeps what there is of it.
void TlsLayer::take_piece(ByteView& bytes, std::vector<std::uint8_t>& up) {
  const bool fresh = partial_.empty();
  if (fresh && bytes.size() >= kHeaderBytes) {
    if (!good_header(bytes)) return refuse_header(bytes, up);
    const std::size_t whole = record_bytes(bytes);
    if (whole <= bytes.size()) {
      take_record(bytes.first(whole), up);
      bytes = bytes.subspan(whole);
      return;
    }
  }
  const std::size_t wanted = partial_.size() < kHeaderBytes ? kHeaderBytes : record_bytes(partial_);
  const ByteView piece = bytes.first(std::min(bytes.size(), wanted - partial_.size()));
  partial_.insert(partial_.end(), piece.begin(), piece.end());
  bytes = bytes.subspan(piece.size());
  if (partial_.size() < kHeaderBytes) return;
  const bool good = good_header(partial_);
  if (good && partial_.size() < record_bytes(partial_)) return;
  const std::vector<std::uint8_t> record = std::exchange(partial_, {});
  good ? take_record(record, up) : refuse_header(record, up);
}

void TlsLayer::take_record(ByteView record, std::vector<std::uint8_t>& up) {
  pipe_.from_peer = record;
  const bool shaking = !ready_;
  if (shaking) shake_hands(record.size());
  if (ready_ && status_ == LayerStatus::open) read_all(record.size(), up);
  // The record that ended the handshake was not for nothing.
  if (shaking) barren_records_ = 0;
  if (status_ == LayerStatus::open && !pipe_.from_peer.empty()) fail_with("TLS: a record was not taken");
  pipe_.from_peer = {};
}

// OpenSSL has the word for the peer; it must not wait for more of what is no record.
void TlsLayer::refuse_header(ByteView bytes, std::vector<std::uint8_t>& up) {
  const bool first = !ready_ && received_bytes_ == 0;
  if (first) return fail_with(describe_stranger(bytes));
  take_record(bytes.first(kHeaderBytes), up);
  if (status_ == LayerStatus::open) fail_with("TLS: what came is no record");
}

void TlsLayer::shake_hands(std::size_t bytes) {
  received_bytes_ += bytes;
  if (received_bytes_ > kMostHandshakeBytes) {
    return fail_with(fmt::format("TLS handshake: the client sent more than {} bytes", kMostHandshakeBytes));
  }
  ERR_clear_error();
  const int outcome = SSL_do_handshake(tls_.get());
  if (outcome == 1) {
    ready_ = true;
    received_bytes_ = 0;
  } else if (SSL_get_error(tls_.get(), outcome) != SSL_ERROR_WANT_READ) {
    fail_by_openssl();
  }
}

void TlsLayer::read_all(std::size_t bytes, std::vector<std::uint8_t>& up) {
  const std::size_t before = up.size();
  // A record carries less than it has bytes.
  up.resize(before + bytes);
  std::size_t got = 0;
  for (;;) {
    std::size_t count = 0;
    ERR_clear_error();
    const int outcome = SSL_read_ex(tls_.get(), up.data() + before + got, bytes - got, &count);
    if (outcome == 1) {
      got += count;
      if (pipe_.from_peer.empty() && SSL_pending(tls_.get()) == 0) break;
      continue;
    }
    const int kind = SSL_get_error(tls_.get(), outcome);
    if (kind == SSL_ERROR_ZERO_RETURN) {
      status_ = LayerStatus::ended;
    } else if (kind != SSL_ERROR_WANT_READ) {
      fail_by_openssl();
    }
    break;
  }
  up.resize(before + got);
  received_bytes_ += got;
  if (got > 0 || status_ != LayerStatus::open) return;
  ++barren_records_;
  if (barren_records_ > kMostBarren + received_bytes_ / kBytesForBarren) {
    fail_with("TLS: too many records without data (key updates, warnings, empty ones)");
  }
}

void TlsLayer::send(ByteChain& from, std::size_t most_bytes, ByteChain& down) {
  if (!ready_ || ended_ || status_ == LayerStatus::failed) return;
  constexpr std::size_t kViews = 64;
  ByteView views[kViews];
  std::uint8_t gathered[kRecordBytes];
  pipe_.to_peer = &down;
  std::size_t left = std::min(most_bytes, from.size());
  while (left > 0) {
    const std::size_t count = from.front(views, kViews);
    const std::size_t wanted = std::min(left, kRecordBytes);
    ByteView plain = views[0].first(std::min(views[0].size(), wanted));
    if (plain.size() < wanted) {
      // What lies in pieces goes into one record: each costs 22 bytes and a round of sealing.
      std::uint8_t* end = gathered;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t room = wanted - static_cast<std::size_t>(end - gathered);
        end = copy_bytes(end, views[i].first(std::min(views[i].size(), room)));
      }
      plain = ByteView(gathered, end);
    }
    std::size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(tls_.get(), plain.data(), plain.size(), &written) != 1) {
      // The peer cannot make this happen: it is told with the next receive().
      fail_by_openssl();
      break;
    }
    from.consume(written);
    left -= written;
  }
  pipe_.to_peer = nullptr;
}

void TlsLayer::end(ByteChain& down) {
  if (!ready_ || ended_ || status_ == LayerStatus::failed) return;
  ended_ = true;
  pipe_.to_peer = &down;
  ERR_clear_error();
  SSL_shutdown(tls_.get());
  ERR_clear_error();
  pipe_.to_peer = nullptr;
}

void TlsLayer::tell(PeerFacts& facts) const {
  tell_peer(tls_.get(), notes_, facts);
}

void TlsLayer::fail_with(std::string why) {
  status_ = LayerStatus::failed;
  failure_ = std::move(why);
  partial_ = {};
}

void TlsLayer::fail_by_openssl() {
  fail_with(describe_failure(tls_.get(), notes_, ready_));
}

}  // namespace martlet::net
