#include "server/log_writer.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace martlet::server {
namespace {

// Room that is kept for the next lines; a dump's is given back.
constexpr std::size_t kKeptBytes = 64 * 1024;

}  // namespace

struct LogWriter::Shared {
  explicit Shared(env::Files& standard_error) : files(standard_error) {}

  env::Files& files;
  std::mutex mutex;  // guards all below
  std::condition_variable wake;
  std::condition_variable written;
  std::string waiting;
  std::size_t line_bytes = 0;  // lines that wait or are being written
  std::size_t dump_bytes = 0;  // the same for a dump
  bool writing = false;
  bool stopping = false;
  bool left_behind = false;

  bool idle() const { return waiting.empty() && !writing; }
};

LogWriter::LogWriter(env::Files& files, const LogWriterLimits& limits)
    : limits_(limits), shared_(std::make_shared<Shared>(files)), thread_([shared = shared_] { run(shared); }) {}

LogWriter::~LogWriter() {
  const bool done = flush(limits_.stop_ms);
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    shared_->left_behind = !done;
  }
  shared_->wake.notify_one();
  done ? thread_.join() : thread_.detach();
}

bool LogWriter::add(std::string_view line) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->line_bytes + line.size() > limits_.waiting_bytes) return false;
    shared_->line_bytes += line.size();
    shared_->waiting += line;
  }
  shared_->wake.notify_one();
  return true;
}

void LogWriter::add_always(std::string_view line) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->line_bytes += line.size();
    shared_->waiting += line;
  }
  shared_->wake.notify_one();
}

bool LogWriter::add_dump(std::string_view lines) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->dump_bytes + lines.size() > limits_.dump_bytes) return false;
    shared_->dump_bytes += lines.size();
    shared_->waiting += lines;
  }
  shared_->wake.notify_one();
  return true;
}

bool LogWriter::flush(int wait_ms) {
  std::unique_lock lock(shared_->mutex);
  return shared_->written.wait_for(lock, std::chrono::milliseconds(wait_ms), [&] { return shared_->idle(); });
}

void LogWriter::run(const std::shared_ptr<Shared>& shared) {
  std::string lines;
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake.wait(lock, [&] { return shared->stopping || !shared->waiting.empty(); });
    if (shared->left_behind || shared->waiting.empty()) return;
    std::swap(lines, shared->waiting);
    const std::size_t line_bytes = shared->line_bytes;
    const std::size_t dump_bytes = shared->dump_bytes;
    shared->writing = true;
    lock.unlock();
    static_cast<void>(shared->files.write_stream(env::Handle::standard_error, as_bytes(lines)));
    lines.clear();
    if (lines.capacity() > kKeptBytes) lines = {};
    lock.lock();
    shared->writing = false;
    shared->line_bytes -= line_bytes;
    shared->dump_bytes -= dump_bytes;
    shared->written.notify_all();
  }
}

}  // namespace martlet::server
