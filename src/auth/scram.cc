#include "auth/scram.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "auth/base64.h"
#include "auth/crypto.h"

namespace martlet::auth {
namespace {

using broker::AuthDecision;

constexpr std::size_t kNonceBytes = 18;
constexpr std::size_t kMaxClientNonce = 1'024;
constexpr std::size_t kMaxUserNameBytes = 65'535;

AuthDecision refuse(const char* why) {
  return AuthDecision::refuse(wire::ReasonCode::not_authorized, why);
}

AuthDecision decision(AuthDecision::Kind kind, std::string_view data) {
  AuthDecision made;
  made.kind = kind;
  made.data.assign(data.begin(), data.end());
  return made;
}

// Takes "NAME=value" from the front, up to the next comma; nothing if another attribute stands there.
std::optional<std::string_view> take_attribute(std::string_view& rest, char name) {
  if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
  const std::size_t end = rest.find(',');
  const std::string_view value = rest.substr(0, end).substr(2);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return value;
}

// Takes away "=2C" and "=3D" [RFC 5802 5.1]; nothing if the name is not legal.
std::optional<std::string> unescaped(std::string_view text) {
  std::string name;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char letter = text[at];
    if (letter == '=') {
      const std::string_view code = text.substr(at + 1, 2);
      if (code != "2C" && code != "3D") return std::nullopt;
      letter = code == "2C" ? ',' : '=';
      at += 2;
    }
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F) return std::nullopt;
    name += letter;
  }
  if (name.empty() || name.size() > kMaxUserNameBytes) return std::nullopt;
  return name;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kMaxClientNonce &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7E && c != ','; });
}

class ScramExchange final : public broker::AuthExchange {
 public:
  ScramExchange(ScramLookup lookup, std::string required_user, env::Entropy& entropy)
      : lookup_(std::move(lookup)), required_user_(std::move(required_user)), entropy_(entropy) {}

  AuthDecision step(ByteView data, const broker::QuestionId& question) override {
    (void)question;
    switch (state_) {
      case State::client_first:
        // A client may send its first message only when it is asked to.
        if (data.empty() && !std::exchange(asked_, true)) return decision(AuthDecision::Kind::challenge, {});
        return first(as_text(data));
      case State::client_final:
        state_ = State::over;
        return last(as_text(data));
      case State::over:
        break;
    }
    return refuse("the exchange is over");
  }

 private:
  enum class State : std::uint8_t { client_first, client_final, over };

  AuthDecision first(std::string_view message) {
    state_ = State::over;
    if (message.starts_with("p=")) return refuse("channel binding is not offered");
    // "y": the client could bind to the channel and saw that the server does not offer it.
    if (!message.starts_with("n,") && !message.starts_with("y,")) return refuse("malformed SCRAM message");
    const std::size_t comma = message.find(',', 2);
    if (comma == std::string_view::npos) return refuse("malformed SCRAM message");
    gs2_header_ = message.substr(0, comma + 1);
    const std::string_view acts_as = message.substr(2, comma - 2);
    std::string_view rest = message.substr(comma + 1);
    client_first_bare_ = rest;
    const auto escaped = take_attribute(rest, 'n');
    const auto nonce = take_attribute(rest, 'r');
    if (!escaped || !nonce || !is_nonce(*nonce)) return refuse("malformed SCRAM message");
    auto user = unescaped(*escaped);
    if (!user) return refuse("the user name is not legal");
    if (!acts_as.empty() && acts_as != fmt::format("a={}", *escaped)) {
      return refuse("nobody may act as another user");
    }
    if (!required_user_.empty() && *user != required_user_) return refuse("CONNECT names another user");
    user_name_ = std::move(*user);
    user_ = lookup_(user_name_);
    return challenge(*nonce);
  }

  AuthDecision challenge(std::string_view client_nonce) {
    std::array<std::uint8_t, kNonceBytes> random{};
    entropy_.fill(random);
    nonce_ = fmt::format("{}{}", client_nonce, base64_encode(random, Base64::padded));
    server_first_ =
        fmt::format("r={},s={},i={}", nonce_, base64_encode(user_.keys.salt, Base64::padded), user_.keys.iterations);
    state_ = State::client_final;
    return decision(AuthDecision::Kind::challenge, server_first_);
  }

  AuthDecision last(std::string_view message) {
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos) return refuse("malformed SCRAM message");
    const std::string_view without_proof = message.substr(0, proof_at);
    std::string_view rest = without_proof;
    const auto binding = take_attribute(rest, 'c');
    const auto nonce = take_attribute(rest, 'r');
    const auto proof = base64_decode(message.substr(proof_at + 3), Base64::padded);
    if (!binding || !nonce || !proof || proof->size() != Sha256{}.size()) return refuse("malformed SCRAM message");
    if (*binding != base64_encode(as_bytes(gs2_header_), Base64::padded) || *nonce != nonce_) {
      return refuse("the SCRAM messages do not belong together");
    }
    const std::string auth_message = fmt::format("{},{},{}", client_first_bare_, server_first_, without_proof);
    Sha256 client_key = hmac_sha256(user_.keys.hash, as_bytes(auth_message));
    for (std::size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= (*proof)[i];
    const bool fits = equal_in_constant_time(sha256(client_key), user_.keys.hash);
    const Sha256 signature = hmac_sha256(user_.keys.server_key, as_bytes(auth_message));
    if (!fits || !user_.known) {
      AuthDecision refused = refuse("user name or password is wrong");
      refused.username = user_name_;
      refused.detail = user_.known ? "SCRAM: wrong password" : "SCRAM: the user is not known";
      return refused;
    }
    AuthDecision allowed =
        decision(AuthDecision::Kind::allow, fmt::format("v={}", base64_encode(signature, Base64::padded)));
    allowed.username = user_name_;
    return allowed;
  }

  const ScramLookup lookup_;
  const std::string required_user_;
  env::Entropy& entropy_;
  State state_ = State::client_first;
  bool asked_ = false;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
  std::string nonce_;
  std::string user_name_;
  ScramUser user_;
};

}  // namespace

std::unique_ptr<broker::AuthExchange> make_scram_exchange(ScramLookup lookup, std::string required_user,
                                                          env::Entropy& entropy) {
  return std::make_unique<ScramExchange>(std::move(lookup), std::move(required_user), entropy);
}

}  // namespace martlet::auth
