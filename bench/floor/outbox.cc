#include "outbox.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace martlet::floor {
namespace {

constexpr std::size_t kMostParts = 64;  // of one write
constexpr std::size_t kKeptTextBytes = 1024 * 1024;

iovec to_iovec(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace

Outbox::Outcome Outbox::write_to(int fd, Blocks& blocks) {
  const Outcome outcome = pieces_.empty() ? write_text(fd) : write_all(fd, blocks);
  if (outcome == Outcome::all_written) clear(blocks);
  return outcome;
}

Outbox::Outcome Outbox::write_text(int fd) {
  const ssize_t count = ::send(fd, text_.data() + text_sent_, text_.size() - text_sent_, MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN ? Outcome::blocked : Outcome::failed;
  text_sent_ += static_cast<std::size_t>(count);
  return text_sent_ == text_.size() ? Outcome::all_written : Outcome::blocked;
}

Outbox::Outcome Outbox::write_all(int fd, Blocks& blocks) {
  for (;;) {
    iovec parts[kMostParts];
    msghdr message{};
    message.msg_iov = parts;
    std::size_t text_at = text_sent_, wanted = 0;
    const auto add = [&](std::string_view bytes) {
      if (bytes.empty()) return;
      parts[message.msg_iovlen++] = to_iovec(bytes);
      wanted += bytes.size();
    };
    std::size_t next = pieces_sent_;
    for (; next < pieces_.size() && message.msg_iovlen + 2 < kMostParts; ++next) {
      add(std::string_view(text_).substr(text_at, pieces_[next].text_before - text_at));
      text_at = pieces_[next].text_before;
      add(pieces_[next].piece.bytes);
    }
    if (next == pieces_.size()) add(std::string_view(text_).substr(text_at));
    if (wanted == 0) return Outcome::all_written;
    const ssize_t count = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN ? Outcome::blocked : Outcome::failed;
    consume(static_cast<std::size_t>(count), blocks);
    if (static_cast<std::size_t>(count) < wanted) return Outcome::blocked;
  }
}

void Outbox::consume(std::size_t count, Blocks& blocks) {
  while (pieces_sent_ < pieces_.size()) {
    PlacedPiece& first = pieces_[pieces_sent_];
    const std::size_t text = std::min(count, first.text_before - text_sent_);
    text_sent_ += text;
    count -= text;
    if (count < first.piece.bytes.size()) return first.piece.bytes.remove_prefix(count);
    count -= first.piece.bytes.size();
    blocks.release(first.piece.block);
    ++pieces_sent_;
  }
  text_sent_ += count;
}

void Outbox::clear(Blocks& blocks) {
  for (; pieces_sent_ < pieces_.size(); ++pieces_sent_) blocks.release(pieces_[pieces_sent_].piece.block);
  pieces_.clear();
  pieces_sent_ = 0;
  text_.clear();
  text_sent_ = 0;
  if (text_.capacity() > kKeptTextBytes) text_ = {};
}

}  // namespace martlet::floor
