#include "server/passwd_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string_view>
#include <utility>

#include "base/nearest.h"

namespace martlet::server {
namespace {

constexpr std::string_view kHashNames[] = {"argon2id", "sha512-pbkdf2", "sha512"};

struct Given {
  bool batch = false;
  bool remove = false;
  bool convert = false;
  bool check = false;
  bool list = false;
  std::string hash = "argon2id";
  std::string password;
};

void describe(CLI::App& app, PasswdArguments& arguments, Given& given) {
  app.add_option("FILE", arguments.file, "The file of users")->required();
  app.add_option("USER", arguments.user, "Whose password");
  app.add_option("PASSWORD", given.password, "The password, with -b alone: others on this machine can see it");
  app.add_flag("-c,--create", arguments.create, "Begin a new file; one that is there is replaced");
  app.add_flag("-b,--batch", given.batch, "Take the password from the command line");
  app.add_flag("-D,--delete", given.remove, "Remove USER");
  app.add_flag("-U,--upgrade", given.convert, "Replace all plain text passwords of FILE by hashes");
  app.add_flag("--check", given.check, "Tell whether the password is USER's");
  app.add_flag("--list", given.list, "Print the users, one a line");
  app.add_flag("--scram", arguments.scram, "Add keys for SCRAM-SHA-256; Mosquitto cannot read a file that has them");
  app.add_option("-H,--hash", given.hash, "argon2id (default), or sha512-pbkdf2, which Mosquitto 1.6 to 2.1 reads")
      ->type_name("HASH");
  app.add_option("-I,--iterations", arguments.hash.pbkdf2_iterations, "Of sha512-pbkdf2 (default 210000)")
      ->type_name("N");
  app.add_option("--memory", arguments.hash.memory_kib, "Of argon2id, in KiB (default 19456)")->type_name("KIB");
  app.add_option("--passes", arguments.hash.passes, "Of argon2id (default 2)")->type_name("N");
  app.add_option("--scram-iterations", arguments.hash.scram_iterations,
                 "Of SCRAM-SHA-256, computed by each client when it connects (default 4096)")
      ->type_name("N");
  app.footer(
      "\nSets the password of USER, adding USER if need be. Without -b the password is asked for twice at a terminal;\n"
      "elsewhere it is one line of standard input. The file is replaced in one step, with its owner and mode; a new\n"
      "one can be read by its owner alone. A broker takes the change over with `martlet ctl reload`.\n"
      "Exit codes: 0 done, or with --check the password is right; 1 with --check it is not; 2 bad usage; 3 the file\n"
      "cannot be read or written, or has no such user.");
}

std::string hash_problem(const std::string& name, auth::HashOptions& options) {
  using Kind = auth::PasswordHash::Kind;
  if (name == "argon2id") {
    options.kind = Kind::argon2id;
  } else if (name == "sha512-pbkdf2") {
    options.kind = Kind::pbkdf2_sha512;
  } else if (name == "sha512") {
    return "sha512 hashes are read for old files and not made: they are too cheap to break; use argon2id";
  } else {
    return fmt::format("--hash: there is no \"{}\"{}", name, suggestion(name, kHashNames));
  }
  return {};
}

// What is wrong with the combination; empty if nothing.
std::string settle(PasswdArguments& arguments, const Given& given) {
  using Action = PasswdArguments::Action;
  int actions = 0;
  for (const auto& [chosen, action] : {std::pair{given.remove, Action::remove},
                                       {given.convert, Action::convert},
                                       {given.check, Action::check},
                                       {given.list, Action::list}}) {
    if (!chosen) continue;
    arguments.action = action;
    ++actions;
  }
  if (actions > 1) return "only one of -D, -U, --check and --list";
  if (arguments.create && actions > 0) return "-c goes with setting a password alone";
  const bool for_all = arguments.action == Action::convert || arguments.action == Action::list;
  if (for_all && !arguments.user.empty()) return "-U and --list are about all users: leave USER out";
  if (!for_all && arguments.user.empty()) return "USER is missing";
  if (given.batch && given.password.empty()) return "-b needs a PASSWORD that is not empty";
  if (!given.batch && !given.password.empty()) return "a password on the command line needs -b";
  if (given.batch && arguments.action == Action::remove) return "-D needs no password";
  if (arguments.scram && arguments.action != Action::set) return "--scram goes with setting a password alone";
  if (given.batch) arguments.password = given.password;
  return hash_problem(given.hash, arguments.hash);
}

}  // namespace

ParsedPasswdArguments parse_passwd_arguments(int argc, char** argv) {
  PasswdArguments arguments;
  Given given;
  CLI::App app("Manages a file of users and password hashes; Mosquitto's are read and written.", argv[0]);
  describe(app, arguments, given);
  CommandEnd end = read_command_line(app, argc, argv, [&] { return settle(arguments, given); });
  return {std::move(end), std::move(arguments)};
}

}  // namespace martlet::server
