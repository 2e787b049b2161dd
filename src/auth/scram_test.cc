#include "auth/scram.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "auth/base64.h"
#include "auth/crypto.h"
#include "auth/testing/counting_entropy.h"

namespace martlet::auth {
namespace {

using broker::AuthDecision;
using Kind = AuthDecision::Kind;

// "user" with the password "pencil" [RFC 7677 3].
constexpr const char* kKeys =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

// Gives bytes whose base64 is the server's part of the nonce in the RFC: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0" is none, so
// the vector is followed with a nonce that base64 can say.
class FixedEntropy final : public env::Entropy {
 public:
  void fill(std::span<std::uint8_t> bytes) override { std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xA5}); }
};

ScramUser look_up(std::string_view user) {
  ScramUser found{*parse_password_hash(kKeys), user == "user" || user == "a,b=c"};
  if (!found.known) found.keys = decoy_of(found.keys);
  return found;
}

std::string text_of(const AuthDecision& decision) {
  return {decision.data.begin(), decision.data.end()};
}

// What a client with `password` answers to `server_first`, and the signature it expects.
struct ClientFinal {
  std::string message;
  std::string signature;
};
ClientFinal client_final(const std::string& bare, const std::string& server_first, std::string_view password,
                         std::string_view header = "n,,") {
  const std::string nonce = server_first.substr(2, server_first.find(',') - 2);
  const std::size_t salt_at = server_first.find(",s=") + 3;
  const std::size_t salt_end = server_first.find(",i=");
  const auto salt = *base64_decode(server_first.substr(salt_at, salt_end - salt_at), Base64::padded);
  const auto iterations = static_cast<std::uint32_t>(std::stoul(server_first.substr(salt_end + 3)));
  const Sha256 salted = pbkdf2_sha256(as_bytes(password), salt, iterations);
  Sha256 proof = hmac_sha256(salted, as_bytes("Client Key"));
  const std::string without = fmt::format("c={},r={}", base64_encode(as_bytes(header), Base64::padded), nonce);
  const std::string all = fmt::format("{},{},{}", bare, server_first, without);
  const Sha256 mask = hmac_sha256(sha256(proof), as_bytes(all));
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] ^= mask[i];
  const Sha256 signature = hmac_sha256(hmac_sha256(salted, as_bytes("Server Key")), as_bytes(all));
  return {fmt::format("{},p={}", without, base64_encode(proof, Base64::padded)),
          fmt::format("v={}", base64_encode(signature, Base64::padded))};
}

class Scram : public ::testing::Test {
 protected:
  std::unique_ptr<broker::AuthExchange> exchange(std::string required = {}) {
    return make_scram_exchange(look_up, std::move(required), entropy_);
  }
  static AuthDecision step(broker::AuthExchange& exchange, std::string_view data) {
    return exchange.step(as_bytes(data), {});
  }
  // A whole exchange; the last decision.
  AuthDecision run(const std::string& bare, std::string_view password, std::string required = {}) {
    const auto one = exchange(std::move(required));
    const AuthDecision challenge = step(*one, "n,," + bare);
    if (challenge.kind != Kind::challenge) return challenge;
    const ClientFinal answer = client_final(bare, text_of(challenge), password);
    AuthDecision last = step(*one, answer.message);
    if (last.kind == Kind::allow) {
      EXPECT_EQ(text_of(last), answer.signature) << "the server proves itself";
    }
    return last;
  }
  FixedEntropy entropy_;
};

// The RFC's own server nonce is not base64; its keys, salt and formulas are checked with its figures all the same.
TEST_F(Scram, TheFormulasGiveTheFiguresOfTheStandard) {
  const std::string bare = "n=user,r=rOprNGfwEbeRWgbNEkqO";
  const std::string server_first =
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
  const ClientFinal answer = client_final(bare, server_first, "pencil");
  EXPECT_EQ(answer.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_EQ(answer.signature, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_F(Scram, LetsTheRightOneIn) {
  const AuthDecision decision = run("n=user,r=rOprNGfwEbeRWgbNEkqO", "pencil");
  EXPECT_EQ(decision.kind, Kind::allow);
  EXPECT_EQ(decision.username, "user");
  EXPECT_EQ(run("n=a=2Cb=3Dc,r=x", "pencil").username, "a,b=c");
}

TEST_F(Scram, ChallengesAsTheStandardWritesIt) {
  const auto one = exchange();
  EXPECT_EQ(text_of(step(*one, "n,,n=user,r=abc")), "r=abcpaWlpaWlpaWlpaWlpaWlpaWl,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
}

TEST_F(Scram, RefusesTheWrongProofAndTheUnknownAlike) {
  const AuthDecision wrong = run("n=user,r=x", "pencils");
  const AuthDecision unknown = run("n=nobody,r=x", "pencil");
  for (const AuthDecision& decision : {wrong, unknown}) {
    EXPECT_EQ(decision.kind, Kind::refuse);
    EXPECT_EQ(decision.reason, wire::ReasonCode::not_authorized);
    EXPECT_TRUE(decision.data.empty());
  }
  EXPECT_EQ(wrong.reason_string, unknown.reason_string);
}

TEST_F(Scram, AnUnknownUserIsRefusedEvenWithAProofThatFitsItsFakeKeys) {
  const auto one = make_scram_exchange(
      [](std::string_view) {
        return ScramUser{*parse_password_hash(kKeys), false};
      },
      {}, entropy_);
  const std::string bare = "n=user,r=x";
  const AuthDecision challenge = step(*one, "n,," + bare);
  EXPECT_EQ(step(*one, client_final(bare, text_of(challenge), "pencil").message).kind, Kind::refuse);
}

TEST_F(Scram, TheNameOfConnectHolds) {
  EXPECT_EQ(run("n=user,r=x", "pencil", "user").kind, Kind::allow);
  EXPECT_EQ(run("n=user,r=x", "pencil", "other").kind, Kind::refuse);
}

TEST_F(Scram, AClientMayWaitToBeAsked) {
  const auto one = exchange();
  const AuthDecision asks = step(*one, "");
  EXPECT_EQ(asks.kind, Kind::challenge);
  EXPECT_TRUE(asks.data.empty());
  EXPECT_EQ(step(*one, "n,,n=user,r=x").kind, Kind::challenge);
  const auto twice = exchange();
  step(*twice, "");
  EXPECT_EQ(step(*twice, "").kind, Kind::refuse);
}

TEST_F(Scram, RefusesMalformedFirstMessages) {
  for (const char* message :
       {"n", "n,", "n,,", "n,,n=user", "n,,r=x", "n,,n=,r=x", "n,,n=user,r=", "x,,n=user,r=x",
        "p=tls-unique,,n=user,r=x", "n,,m=ext,n=user,r=x", "n,a=other,n=user,r=x", "n,,n=us=er,r=x", "n,,n=us=2c,r=x",
        "n,,n=a\x01z,r=x", "n,,r=x,n=user", "n,,n=user,r=a b", "n,,n=user,r=\x7F", ",,n=user,r=x"}) {
    const auto one = exchange();
    EXPECT_EQ(step(*one, message).kind, Kind::refuse) << message;
    EXPECT_EQ(step(*one, "n,,n=user,r=x").kind, Kind::refuse) << "it is over after " << message;
  }
  EXPECT_EQ(step(*exchange(), "y,,n=user,r=x").kind, Kind::challenge);
  EXPECT_EQ(step(*exchange(), "n,a=user,n=user,r=x").kind, Kind::challenge);
  EXPECT_EQ(step(*exchange(), "n,,n=user,r=" + std::string(2'000, 'x')).kind, Kind::refuse);
}

TEST_F(Scram, RefusesMalformedLastMessages) {
  const std::string bare = "n=user,r=x";
  const auto mangled = [&](const std::function<std::string(std::string)>& change, std::string_view header = "n,,") {
    const auto one = exchange();
    const AuthDecision challenge = step(*one, "n,," + bare);
    return step(*one, change(client_final(bare, text_of(challenge), "pencil", header).message)).kind;
  };
  EXPECT_EQ(mangled([](std::string m) { return m; }), Kind::allow);
  EXPECT_EQ(mangled([](std::string m) { return m; }, "y,,"), Kind::refuse) << "the header was another";
  EXPECT_EQ(mangled([](std::string) { return std::string(); }), Kind::refuse);
  EXPECT_EQ(mangled([](std::string m) { return m.substr(0, m.size() - 1); }), Kind::refuse);
  EXPECT_EQ(mangled([](std::string m) { return m.substr(0, m.find(",p=")); }), Kind::refuse);
  EXPECT_EQ(mangled([](std::string m) { return m.replace(m.find("r=x"), 3, "r=y"); }), Kind::refuse);
  EXPECT_EQ(mangled([](std::string m) { return m + "="; }), Kind::refuse);
  EXPECT_EQ(mangled([](std::string m) { return "x" + m; }), Kind::refuse);
}

TEST_F(Scram, AnExchangeIsUsedOnce) {
  const std::string bare = "n=user,r=x";
  const auto one = exchange();
  const AuthDecision challenge = step(*one, "n,," + bare);
  const std::string answer = client_final(bare, text_of(challenge), "pencil").message;
  EXPECT_EQ(step(*one, answer).kind, Kind::allow);
  EXPECT_EQ(step(*one, answer).kind, Kind::refuse);
}

}  // namespace
}  // namespace martlet::auth
