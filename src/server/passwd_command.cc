#include "server/passwd_command.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/crypto.h"
#include "auth/password_edit.h"
#include "auth/password_file.h"
#include "base/printable.h"
#include "env/posix/measure.h"
#include "env/posix/secret_prompt.h"
#include "env/posix/system.h"
#include "env/posix/update_file.h"
#include "server/command_line.h"
#include "server/passwd_arguments.h"

namespace martlet::server {
namespace {

constexpr int kDoneExit = 0;
constexpr int kWrongExit = 1;
constexpr int kFileExit = 3;
constexpr std::size_t kMaxPasswordBytes = 65'535;

class PasswdTool {
 public:
  PasswdTool(PasswdArguments arguments, env::Files& files)
      : arguments_(std::move(arguments)), files_(files), entropy_(env::posix::make_entropy()) {}
  ~PasswdTool() {
    if (arguments_.password) auth::wipe(*arguments_.password);
  }
  PasswdTool(const PasswdTool&) = delete;
  PasswdTool& operator=(const PasswdTool&) = delete;

  int run() {
    const auto done = act();
    if (done) return *done;
    say(done.error().message);
    return kFileExit;
  }

 private:
  using Action = PasswdArguments::Action;

  // The exit code.
  Result<int> act() {
    switch (arguments_.action) {
      case Action::list:
        return list();
      case Action::convert:
        return convert();
      case Action::remove:
        return remove();
      case Action::check:
        return check();
      case Action::set:
        break;
    }
    return set();
  }

  Result<int> list() {
    const auto text = read();
    if (!text) return tl::unexpected(text.error());
    std::string lines;
    for (const std::string& user : auth::users_of(*text)) lines += printable(user, kAllChars) + "\n";
    if (auto done = files_.write_stream(env::Handle::standard_output, as_bytes(lines)); !done) {
      return tl::unexpected(done.error());
    }
    return kDoneExit;
  }

  Result<int> convert() {
    std::size_t passwords = 0;
    const auto make = [this](std::string_view password) { return hash_of(password); };
    auto done = update([&](const std::string& old) -> Result<std::string> {
      auto converted = auth::convert_plain_texts(old, make);
      if (!converted) return fail(fmt::format("{}:{}", arguments_.file, converted.error().message));
      passwords = converted->passwords;
      return std::move(converted->text);
    });
    if (!done) return tl::unexpected(done.error());
    say(fmt::format("{}: {} plain text passwords are hashes now", arguments_.file, passwords));
    return kDoneExit;
  }

  Result<int> remove() {
    auto done = update([&](const std::string& old) -> Result<std::string> {
      std::string text = auth::without_user(old, arguments_.user);
      if (text == old) return fail(no_such_user());
      return text;
    });
    if (!done) return tl::unexpected(done.error());
    return kDoneExit;
  }

  Result<int> check() {
    auto text = read();
    if (!text) return tl::unexpected(text.error());
    const auto file = auth::PasswordFile::parse(std::move(*text), arguments_.file);
    if (!file) return tl::unexpected(file.error());
    const auto* entry = (*file)->find(arguments_.user);
    if (entry == nullptr) return fail(no_such_user());
    if (auto asked = ask(false); !asked) return tl::unexpected(asked.error());
    const auto hash = auth::parse_password_hash(entry->hash.empty() ? entry->scram : entry->hash);
    if (!hash) return tl::unexpected(hash.error());
    const auto fits = auth::verify_password(*hash, as_bytes(*arguments_.password));
    if (!fits) return tl::unexpected(fits.error());
    say(*fits ? "the password is right" : "the password is wrong");
    return *fits ? kDoneExit : kWrongExit;
  }

  Result<int> set() {
    if (auto legal = auth::check_user_name(arguments_.user); !legal) return tl::unexpected(legal.error());
    if (auto asked = ask(true); !asked) return tl::unexpected(asked.error());
    const auto hash = hash_of(*arguments_.password);
    if (!hash) return tl::unexpected(hash.error());
    auth::HashOptions scram = arguments_.hash;
    scram.kind = auth::PasswordHash::Kind::scram_sha256;
    const auto keys = auth::make_password_hash(scram, as_bytes(*arguments_.password), *entropy_);
    if (!keys) return tl::unexpected(keys.error());
    auto done = update([&](const std::string& old) -> Result<std::string> {
      std::vector<std::string> lines = {*hash};
      // Old keys would go on letting the old password in.
      if (arguments_.scram || auth::has_scram_keys(old, arguments_.user)) lines.push_back(*keys);
      return auth::with_user(old, arguments_.user, lines);
    });
    if (!done) return tl::unexpected(done.error());
    return kDoneExit;
  }

  Result<std::string> read() { return files_.read_all(arguments_.file, auth::kMaxPasswordFileBytes); }

  template <class Change>
  Result<void> update(const Change& change) {
    std::string written;
    auto done = env::posix::update_file(
        arguments_.file, auth::kMaxPasswordFileBytes,
        [&](const std::optional<std::string>& old) -> Result<std::string> {
          if (!old && !arguments_.create) {
            return fail(fmt::format("{}: there is no such file; -c begins a new one", arguments_.file));
          }
          auto text = change(arguments_.create ? std::string() : *old);
          if (text) written = *text;
          return text;
        });
    if (!done) return done;
    // The broker would refuse it.
    if (const auto file = auth::PasswordFile::parse(std::move(written), arguments_.file); !file) {
      say(fmt::format("warning: the broker does not take this file: {}", file.error().message));
    }
    return {};
  }

  // Gets the password, `twice` where a person types it.
  Result<void> ask(bool twice) {
    if (arguments_.password) return {};
    auto first = env::posix::read_secret_line("Password: ", kMaxPasswordBytes);
    if (!first) return tl::unexpected(first.error());
    if (first->empty()) return fail("the password is empty");
    if (twice && env::posix::is_terminal(env::Handle::standard_input)) {
      auto second = env::posix::read_secret_line("The same again: ", kMaxPasswordBytes);
      if (!second) return tl::unexpected(second.error());
      const bool same = *first == *second;
      auth::wipe(*second);
      if (!same) return fail("the passwords differ");
    }
    arguments_.password = std::move(*first);
    return {};
  }

  Result<std::string> hash_of(std::string_view password) {
    return auth::make_password_hash(arguments_.hash, as_bytes(password), *entropy_);
  }

  std::string no_such_user() const {
    return fmt::format("{}: there is no user \"{}\"", arguments_.file, printable(arguments_.user));
  }

  void say(std::string_view text) {
    const std::string line = fmt::format("martlet passwd: {}\n", text);
    static_cast<void>(files_.write_stream(env::Handle::standard_error, as_bytes(line)));
  }

  PasswdArguments arguments_;
  env::Files& files_;
  const std::unique_ptr<env::Entropy> entropy_;
};

}  // namespace

int passwd_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  ParsedPasswdArguments parsed = parse_passwd_arguments(argc, argv);
  if (parsed.exit_code) return show(parsed, *files);
  return PasswdTool(std::move(parsed.arguments), *files).run();
}

}  // namespace martlet::server
