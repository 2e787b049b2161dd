// A password file that says anything: it is read or refused in bounded time, every hash that it lets through can be
// read again, and what `martlet passwd` makes of it is read in the same way.
#include "auth/password_edit.h"
#include "auth/password_file.h"
#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace martlet;
  using namespace martlet::auth;
  const std::string text(as_text({data, size}));
  const auto file = PasswordFile::parse(text, "file");
  const auto users = users_of(text);
  if (file) {
    check(users.size() == (*file)->users(), "both readers see the same users");
    for (const std::string& user : users) {
      const auto* entry = (*file)->find(user);
      check(entry != nullptr, "who is listed is found");
      check(entry->hash.empty() || parse_password_hash(entry->hash), "a hash that was taken can be read");
      check(entry->scram.empty() || parse_password_hash(entry->scram), "keys that were taken can be read");
    }
  } else {
    check(file.error().message.starts_with("file:"), "an error names the file");
  }
  const auto converted = convert_plain_texts(text, [](std::string_view) -> Result<std::string> { return "$6$x"; });
  if (file) check(converted && converted->passwords == 0 && converted->text == text, "hashes are left as they are");
  // A name that `martlet passwd` writes; others can only be read.
  if (!users.empty() && check_user_name(users.front())) {
    const std::string without = without_user(text, users.front());
    check(users_of(without).size() == users.size() - 1, "one user goes");
    const std::string back = with_user(without, users.front(), {"$6$x"});
    check(users_of(back).size() == users.size(), "and comes back");
  }
  return 0;
}
