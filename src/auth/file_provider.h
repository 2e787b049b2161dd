// The users of a password file. Knows nobody by more than name and password; SCRAM asks it for a user's keys.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "auth/password_file.h"
#include "auth/provider.h"

namespace martlet::auth {

class FileProvider final : public Provider {
 public:
  FileProvider(std::string name, std::shared_ptr<const PasswordFile> file);

  std::string_view name() const override { return name_; }
  bool blocks() const override { return file_->is_slow(); }
  Opinion check(const Credentials& credentials, std::int64_t wall_ms) override;

  // Spends the time that a check of somebody's password takes.
  void spend_time(const Credentials& credentials) const;

  // The keys of `user`; nothing if there are none.
  std::optional<PasswordHash> scram_keys(std::string_view user) const;
  // Whether anybody has keys.
  bool has_scram() const { return file_->scram_decoy().has_value(); }
  // What is shown instead of the keys of `user`, who has none: the salt is always the same for one name. Only if
  // has_scram().
  PasswordHash fake_scram_keys(std::string_view user) const;

 private:
  const std::string name_;
  const std::shared_ptr<const PasswordFile> file_;
};

}  // namespace martlet::auth
