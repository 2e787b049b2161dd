// Persistent subscribers that go away and come back, and what the publishers are told meanwhile.
#include "tools/bench/worker.h"

namespace martlet::tools::bench {
namespace {

// A broker that does not close after a DISCONNECT is not waited for any longer.
constexpr std::uint64_t kLeaveNs = 2'000'000'000;

}  // namespace

void Worker::leave(std::uint64_t now_ns) {
  leave_until_ns_ = now_ns + kLeaveNs;
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (connection.role != Role::subscriber || connection.stage != Stage::connected) continue;
    append(connection, i, wire::Disconnect{});
    connection.stage = Stage::leaving;
    ++leaving_;
  }
}

void Worker::left(Connection& connection) {
  network_.close(connection.handle);
  connection.handle = env::Handle::none;
  connection.stage = Stage::away;
  --leaving_;
  if (churning()) free_.push_back(static_cast<std::uint32_t>(&connection - connections_.data()));
}

bool Worker::all_left(std::uint64_t now_ns) {
  if (leaving_ == 0 || now_ns < leave_until_ns_) return leaving_ == 0;
  for (Connection& connection : connections_) {
    if (connection.stage == Stage::leaving) left(connection);
  }
  return true;
}

void Worker::call_back() {
  to_connect_.clear();
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].role == Role::subscriber) to_connect_.push_back(i);
  }
  connects_started_ = connects_done_ = connects_failed_ = 0;
}

void Worker::clean_up(std::uint64_t now_ns) {
  switch (cleaning_) {
    case Cleaning::leaving:
      if (!all_left(now_ns)) return;
      call_back();
      cleaning_ = Cleaning::connecting;
      return;
    case Cleaning::connecting:
      start_connects(now_ns);
      if (!connects_over()) return;
      leave(now_ns);
      cleaning_ = Cleaning::leaving_again;
      return;
    case Cleaning::leaving_again:
      if (all_left(now_ns)) progress.phases_over.store(6, std::memory_order_release);
      return;
  }
}

void Worker::run_offline_phase(Phase phase, std::uint64_t now_ns) {
  const bool entered = phase != offline_phase_;
  offline_phase_ = phase;
  switch (phase) {
    case Phase::leaving:
      if (entered) leave(now_ns);
      if (all_left(now_ns)) progress.phases_over.store(3, std::memory_order_release);
      return;
    case Phase::collecting:
      if (entered) call_back();
      start_connects(now_ns);
      if (connects_over()) progress.phases_over.store(5, std::memory_order_release);
      return;
    case Phase::cleaning:
      if (entered) leave(now_ns);
      return clean_up(now_ns);
    case Phase::connecting:
    case Phase::subscribing:
    case Phase::running:
    case Phase::done:
      return;
  }
}

void Worker::ask_for_session(wire::Connect& connect, wire::PropertyWriter& properties) const {
  const Phase phase = shared_.phase.load(std::memory_order_relaxed);
  if (phase == Phase::cleaning) return;  // clean, and over with the connection
  const bool v5 = options_.version == wire::ProtocolVersion::v5_0;
  connect.clean_start = v5 && phase == Phase::connecting;
  // Long enough for the run; should it be cut off, the broker forgets it some time.
  if (v5) {
    properties.add_number(wire::PropertyId::session_expiry_interval,
                          3600 + static_cast<std::uint32_t>(options_.duration_s));
  }
  connect.properties = properties.properties();
}

bool Worker::is_session_expected(const wire::Connack& connack) {
  const Phase phase = shared_.phase.load(std::memory_order_relaxed);
  if (phase == Phase::connecting && connack.session_present) {
    result_.error = "the broker has a session of an earlier run: use another --topic-prefix";
    return false;
  }
  if (phase == Phase::collecting && !connack.session_present) {
    result_.error = "the broker has forgotten a session";
    return false;
  }
  return true;
}

}  // namespace martlet::tools::bench
