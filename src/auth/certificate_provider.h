// A client's verified certificate, or its PSK identity, is the proof and names the user. Who has neither is unknown.
#pragma once

#include <string>
#include <utility>

#include "auth/provider.h"
#include "auth/tls_identity.h"

namespace martlet::auth {

class CertificateProvider final : public Provider {
 public:
  CertificateProvider(std::string name, CertificateName from) : name_(std::move(name)), from_(from) {}

  std::string_view name() const override { return name_; }
  bool blocks() const override { return false; }
  Opinion check(const Credentials& credentials, std::int64_t wall_ms) override {
    (void)wall_ms;
    Opinion opinion;
    opinion.username = tls_identity(credentials.peer.get(), from_);
    if (!opinion.username.empty()) opinion.kind = Opinion::Kind::allow;
    return opinion;
  }

 private:
  const std::string name_;
  const CertificateName from_;
};

}  // namespace martlet::auth
