// A client's SCRAM messages: nothing aborts, and nobody gets in without the password.
#include <fuzzer/FuzzedDataProvider.h>

#include "auth/scram.h"
#include "base/check.h"

namespace {

using namespace martlet;
using namespace martlet::auth;

class Zeros final : public env::Entropy {
 public:
  void fill(std::span<std::uint8_t> bytes) override { std::fill(bytes.begin(), bytes.end(), std::uint8_t{0}); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Zeros entropy;
  static const PasswordHash keys = *parse_password_hash(
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
      "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
  FuzzedDataProvider script(data, size);
  const auto lookup = [](std::string_view user) { return ScramUser{keys, user == "user"}; };
  const auto exchange = make_scram_exchange(lookup, script.ConsumeBool() ? "user" : "", entropy);
  bool over = false;
  for (int steps = 0; steps < 4; ++steps) {
    std::string message = script.ConsumeRandomLengthString(512);
    const auto decision = exchange->step(as_bytes(message), {});
    check(decision.kind != broker::AuthDecision::Kind::allow, "nobody knows the password");
    check(decision.kind != broker::AuthDecision::Kind::pending, "it never waits");
    check(!over || decision.kind == broker::AuthDecision::Kind::refuse, "what is refused stays refused");
    over = over || decision.kind == broker::AuthDecision::Kind::refuse;
  }
  return 0;
}
