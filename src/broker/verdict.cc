#include "broker/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "base/check.h"
#include "base/printable.h"

namespace martlet::broker {
namespace {

constexpr std::array<const char*, kVerdictReasons> kNames = {
    "delivered",
    "acknowledged",
    "queued",
    "expired",
    "queue_full",
    "too_large",
    "offline",
    "refused_by_receiver",
    "session_ended",
    "handed_over",
    "log_limit",
    "log_damaged",
    "no_subscriber",
    "denied",
    "invalid_topic",
    "invalid_filter",
    "quota_exceeded",
    "retained_full",
    "disconnected",
    "connect_refused",
    "too_many_connections",
    "connect_rate",
    "malformed_packet",
    "protocol_error",
    "limit_exceeded",
    "keep_alive_timeout",
    "taken_over",
    "slow_reader",
    "network_error",
    "shutting_down",
};

// Copies `size` bytes, at least `Piece`, in pieces of which the last two may overlap: no call, unlike memcpy of a size
// that the compiler does not know.
template <std::size_t Piece>
void copy_pieces(char* to, const char* from, std::size_t size) {
  for (std::size_t at = 0; at + Piece < size; at += Piece) std::memcpy(to + at, from + at, Piece);
  std::memcpy(to + size - Piece, from + size - Piece, Piece);
}

template <std::size_t N>
std::uint8_t copy_cut(std::array<char, N>& to, std::string_view from) {
  const std::size_t size = std::min(N, from.size());
  if (size >= 16) {
    copy_pieces<16>(to.data(), from.data(), size);
  } else if (size >= 4) {
    copy_pieces<4>(to.data(), from.data(), size);
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  }
  return static_cast<std::uint8_t>(size);
}

}  // namespace

const char* verdict_name(VerdictReason reason) {
  return kNames[static_cast<std::size_t>(reason)];
}

Verdicts::Verdicts(std::size_t capacity, std::size_t successes) : troubles_(capacity), successes_(successes) {
  check(std::has_single_bit(capacity) && std::has_single_bit(successes), "a ring's capacity is a power of two");
}

void Verdicts::record(const Verdict& verdict, const Now& now) {
  const bool success = verdict.reason == VerdictReason::delivered || verdict.reason == VerdictReason::acknowledged ||
                       verdict.reason == VerdictReason::queued;
  Entry& entry = (success ? successes_ : troubles_).next();
  entry.sequence = recorded_++;
  entry.wall_ms = now.wall_ms;
  entry.rule = verdict.rule;
  entry.count = verdict.count;
  entry.reason = verdict.reason;
  entry.client_size = copy_cut(entry.client, verdict.client);
  entry.topic_size = copy_cut(entry.topic, verdict.topic);
  counts_[static_cast<std::size_t>(verdict.reason)] += verdict.count;
}

void Verdicts::append_line(std::string& text, const Entry& entry) {
  fmt::format_to(std::back_inserter(text), "{}.{:03} {} client=\"", entry.wall_ms / 1000, entry.wall_ms % 1000,
                 verdict_name(entry.reason));
  append_printable(text, {entry.client.data(), entry.client_size}, kAllChars);
  text += "\" topic=\"";
  append_printable(text, {entry.topic.data(), entry.topic_size}, kAllChars);
  fmt::format_to(std::back_inserter(text), "\" rule=\"{}\"", entry.rule);
  if (entry.count != 1) fmt::format_to(std::back_inserter(text), " count={}", entry.count);
  text += '\n';
}

std::string Verdicts::dump() const {
  std::string text;
  for (std::size_t i = 0; i < kVerdictReasons; ++i) {
    if (counts_[i] != 0) fmt::format_to(std::back_inserter(text), "count {} {}\n", kNames[i], counts_[i]);
  }
  std::vector<const Entry*> kept;
  for (const Ring* ring : {&troubles_, &successes_}) {
    const std::size_t count = std::min<std::uint64_t>(ring->written, ring->entries.size());
    for (std::size_t i = 0; i < count; ++i) kept.push_back(&ring->entries[i]);
  }
  std::sort(kept.begin(), kept.end(), [](const Entry* a, const Entry* b) { return a->sequence < b->sequence; });
  for (const Entry* entry : kept) append_line(text, *entry);
  return text;
}

}  // namespace martlet::broker
