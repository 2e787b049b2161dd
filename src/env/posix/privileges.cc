#include "env/posix/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "env/posix/descriptor.h"

namespace martlet::env::posix {
namespace {

struct Account {
  uid_t user = 0;
  gid_t group = 0;
};

constexpr std::size_t kRecordBytes = 64 * 1024;

Result<Account> look_up(const std::string& user, const std::string& group) {
  std::vector<char> room(kRecordBytes);
  passwd user_record{};
  passwd* found = nullptr;
  ::getpwnam_r(user.c_str(), &user_record, room.data(), room.size(), &found);
  if (!found) return fail(fmt::format("server.user: there is no user \"{}\" on this system", user));
  Account account{user_record.pw_uid, user_record.pw_gid};
  if (group.empty()) return account;
  ::group group_record{};
  ::group* found_group = nullptr;
  ::getgrnam_r(group.c_str(), &group_record, room.data(), room.size(), &found_group);
  if (!found_group) return fail(fmt::format("server.group: there is no group \"{}\" on this system", group));
  account.group = group_record.gr_gid;
  return account;
}

}  // namespace

bool is_root() {
  return ::geteuid() == 0;
}

Result<void> check_user(const std::string& user, const std::string& group) {
  const auto account = look_up(user, group);
  return account ? Result<void>() : tl::unexpected(account.error());
}

Result<void> become_user(const std::string& user, const std::string& group) {
  const auto account = look_up(user, group);
  if (!account) return tl::unexpected(account.error());
  if (::initgroups(user.c_str(), account->group) != 0 || ::setgid(account->group) != 0 ||
      ::setuid(account->user) != 0) {
    return system_error(fmt::format("server.user: cannot become \"{}\"", user), errno);
  }
  // It must not be possible to take it back.
  if (account->user != 0 && ::setuid(0) == 0) return fail("server.user: the process can become root again");
  return {};
}

Result<void> give_to_user(const std::string& path, const std::string& user, const std::string& group) {
  const auto account = look_up(user, group);
  if (!account) return tl::unexpected(account.error());
  if (::chown(path.c_str(), account->user, account->group) != 0 && errno != ENOENT) {
    return system_error(fmt::format("server.user: cannot give '{}' to \"{}\"", path, user), errno);
  }
  return {};
}

}  // namespace martlet::env::posix
