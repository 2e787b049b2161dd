#include "server/store_tool/command.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "env/posix/lock_probe.h"
#include "env/posix/measure.h"
#include "env/posix/system.h"
#include "server/command_line.h"
#include "server/store_tool/arguments.h"
#include "server/store_tool/dump.h"
#include "server/store_tool/report.h"
#include "server/store_tool/survey.h"
#include "store/rocksdb/open.h"

namespace martlet::server {
namespace {

constexpr int kCleanExit = 0;
constexpr int kDamageExit = 1;
constexpr int kCannotOpenExit = 3;
constexpr std::size_t kOutputBytes = 64u << 10;

class StoreTool {
 public:
  StoreTool(const StoreArguments& arguments, env::Files& files)
      : arguments_(arguments), files_(files), shows_progress_(env::posix::is_terminal(env::Handle::standard_error)) {}

  int run() {
    if (const auto opened = open(); !opened) {
      say(opened.error().message);
      return kCannotOpenExit;
    }
    switch (arguments_.action) {
      case StoreArguments::Action::check:
        check();
        break;
      case StoreArguments::Action::dump:
        dump_all();
        break;
      case StoreArguments::Action::stats:
        stats();
        break;
    }
    flush();
    if (const std::int64_t holder = lock_holder(); holder != 0) {
      say(fmt::format("{}: process {} opened it meanwhile: what was found does not count", arguments_.directory,
                      holder));
      return kCannotOpenExit;
    }
    return damages_ > 0 ? kDamageExit : kCleanExit;
  }

 private:
  std::int64_t lock_holder() const { return env::posix::lock_holder(arguments_.directory + "/LOCK"); }

  // A broker removes files and writes others while it runs; reading beside it would show damage where there is none.
  Result<void> open() {
    if (const std::int64_t holder = lock_holder(); holder != 0) {
      return fail(
          fmt::format("{}: process {} has it open: stop the broker first, or look into a copy of the directory "
                      "that was made while it was stopped",
                      arguments_.directory, holder));
    }
    store::RocksdbOptions options;
    options.path = arguments_.directory;
    auto opened = store::open_rocksdb_read_only(options);
    if (!opened) {
      const auto damaged = store::damaged_end(options);
      if (!damaged) return tl::unexpected(opened.error());
      damage(*damaged + ": what is behind it cannot be used, and is not looked at");
      options.drop_damaged_end = true;
      opened = store::open_rocksdb_read_only(options);
      if (!opened) return tl::unexpected(opened.error());
    }
    store_ = std::move(*opened);
    return {};
  }

  void check() {
    std::uint64_t bytes = 0;
    const auto files = store_->files();
    for (const store::StoreFile& file : files) {
      progress(fmt::format("reading {}", file.name));
      bytes += file.bytes;
      if (const auto verified = store_->verify(file); !verified) damage(verified.error().message);
    }
    const Survey found = survey_all();
    std::uint64_t pairs = 0;
    for (const TableFigures& table : found.tables) pairs += table.pairs;
    if (found.left_over > 0) {
      print(fmt::format(
          "note: {} pairs are left over from sessions that ended; they are harmless and go at the next start\n",
          found.left_over));
    }
    const std::string verdict = damages_ == 0 ? "all is in order" : fmt::format("{} damages", damages_);
    print(fmt::format("{}: {}: {} log records, {} sessions, {} pairs in {} files ({})\n",
                      printable(arguments_.directory, kAllChars), verdict, found.records, found.sessions.size(), pairs,
                      files.size(), size_text(bytes)));
  }

  void dump_all() {
    const DumpOptions options{arguments_.json, arguments_.full, arguments_.table, arguments_.from, arguments_.count};
    dump(
        *store_, options,
        [this](std::string_view line) {
          print(line);
          return !output_failed_;
        },
        [this](const std::string& text) {
          ++damages_;
          flush();
          say("damage: " + text);
        });
  }

  void stats() {
    const Survey found = survey_all();
    print(arguments_.json ? report_json(found, store_->files(), arguments_.top)
                          : report_text(found, store_->files(), arguments_.top));
  }

  Survey survey_all() {
    SurveyListener listener;
    listener.damage = [this](const std::string& text) { damage(text); };
    listener.progress = [this](std::uint64_t done, std::uint64_t all) {
      progress(fmt::format("{} of {} log records", done, all));
    };
    Survey found = survey(*store_, listener);
    progress({});
    return found;
  }

  void damage(const std::string& text) {
    ++damages_;
    progress({});
    // The figures of stats and dump stay alone on the standard output.
    if (arguments_.action == StoreArguments::Action::check) {
      print(fmt::format("damage: {}\n", text));
    } else {
      say("damage: " + text);
    }
  }

  // One line that replaces itself, at a terminal.
  void progress(const std::string& text) {
    if (!shows_progress_) return;
    static_cast<void>(files_.write_stream(env::Handle::standard_error, as_bytes(fmt::format("\r\x1b[K{}", text))));
  }

  void print(std::string_view text) {
    output_ += text;
    if (output_.size() >= kOutputBytes) flush();
  }
  void flush() {
    if (!files_.write_stream(env::Handle::standard_output, as_bytes(output_))) output_failed_ = true;
    output_.clear();
  }
  void say(std::string_view text) {
    const std::string line = fmt::format("martlet store: {}\n", text);
    static_cast<void>(files_.write_stream(env::Handle::standard_error, as_bytes(line)));
  }

  const StoreArguments& arguments_;
  env::Files& files_;
  const bool shows_progress_;
  std::unique_ptr<store::Inspected> store_;
  std::string output_;
  bool output_failed_ = false;
  std::uint64_t damages_ = 0;
};

}  // namespace

int store_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  const ParsedStoreArguments parsed = parse_store_arguments(argc, argv);
  if (parsed.exit_code) return show(parsed, *files);
  return StoreTool(parsed.arguments, *files).run();
}

}  // namespace martlet::server
