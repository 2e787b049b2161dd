#include "auth/jwt_token.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "auth/testing/jwt_signer.h"

namespace martlet::auth {
namespace {

using testing::hs256_token;
using testing::JwtSigner;
using testing::url64;

// The claims of RFC 7515's examples: {"iss":"joe","exp":1300819380,"http://example.com/is_root":true}.
const std::string kRfcClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

JwtMatch match(const std::string& text, const JwtKeySet& keys, const JwtRules& rules = {}) {
  const auto token = split_token(as_bytes(text));
  EXPECT_TRUE(token) << text;
  return token ? check_signature(*token, keys, rules) : JwtMatch::no_such_key;
}
JwtKeySet set_of(const std::string& text) {
  auto set = parse_jwk_set(text);
  EXPECT_TRUE(set) << (set ? "" : set.error().message);
  return set ? *set : JwtKeySet{};
}

TEST(JwtToken, VerifiesTheExamplesOfTheStandard) {
  const JwtKeySet secret = set_of(
      R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]})");
  EXPECT_EQ(
      match("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + kRfcClaims + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            secret),
      JwtMatch::fits);
  const JwtKeySet rsa = set_of(
      R"({"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]})");
  EXPECT_EQ(match("eyJhbGciOiJSUzI1NiJ9." + kRfcClaims +
                      ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
                      "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07"
                      "Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI"
                      "8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
                  rsa),
            JwtMatch::fits);
  const JwtKeySet ec = set_of(
      R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
  EXPECT_EQ(match("eyJhbGciOiJFUzI1NiJ9." + kRfcClaims +
                      ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
                  ec),
            JwtMatch::fits);
}

TEST(JwtToken, VerifiesEachAlgorithmWithItsOwnKeysAlone) {
  struct Case {
    JwtSigner signer;
    std::vector<std::string> algorithms;
  };
  const std::vector<Case> cases = {{JwtSigner::rsa(), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
                                   {JwtSigner::ec("P-256"), {"ES256"}},
                                   {JwtSigner::ec("P-384"), {"ES384"}},
                                   {JwtSigner::ec("P-521"), {"ES512"}},
                                   {JwtSigner::ed25519(), {"EdDSA"}}};
  for (const Case& one : cases) {
    const JwtKeySet from_pem = {*JwtKey::from_pem(one.signer.pem())};
    const JwtKeySet from_jwk = set_of(nlohmann::json{{"keys", {one.signer.jwk("k")}}}.dump());
    for (const std::string& algorithm : one.algorithms) {
      std::string token = one.signer.token(algorithm, "{}");
      EXPECT_EQ(match(token, from_pem), JwtMatch::fits) << algorithm;
      EXPECT_EQ(match(token, from_jwk), JwtMatch::fits) << algorithm;
      for (const Case& other : cases) {
        if (&other == &one) continue;
        EXPECT_EQ(match(token, {*JwtKey::from_pem(other.signer.pem())}), JwtMatch::does_not_fit) << algorithm;
      }
      const std::size_t claims_at = token.find('.') + 1;
      token.replace(claims_at, token.rfind('.') - claims_at, url64(R"({"a":1})"));
      EXPECT_EQ(match(token, from_pem), JwtMatch::does_not_fit) << "other claims, " << algorithm;
    }
  }
}

TEST(JwtToken, APublicKeyIsNotTakenForASecret) {
  const JwtSigner rsa = JwtSigner::rsa();
  const JwtKeySet keys = {*JwtKey::from_pem(rsa.pem())};
  EXPECT_EQ(match(hs256_token(rsa.pem(), R"({"alg":"HS256"})", "{}"), keys), JwtMatch::does_not_fit);
}

TEST(JwtToken, RefusesNoneAndWhatItDoesNotKnow) {
  const JwtKeySet keys = {*JwtKey::from_secret(kSecret)};
  EXPECT_EQ(match(hs256_token(kSecret, R"({"alg":"HS256"})", "{}"), keys), JwtMatch::fits);
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":""})", R"({})", R"({"alg":5})",
                             R"({"alg":"hs256"})", R"({"alg":"HS256","crit":["exp"]})", R"({"alg":"HS384"})"}) {
    EXPECT_EQ(match(hs256_token(kSecret, header, "{}"), keys), JwtMatch::does_not_fit) << header;
  }
  EXPECT_EQ(match(url64(R"({"alg":"none"})") + "." + url64("{}") + ".", keys), JwtMatch::does_not_fit);
  EXPECT_EQ(match(url64(R"({"alg":"HS256"})") + "." + url64("{}") + ".", keys), JwtMatch::does_not_fit);
  JwtRules rules;
  rules.algorithms = {JwtAlgorithm::hs384};
  EXPECT_EQ(match(hs256_token(kSecret, R"({"alg":"HS256"})", "{}"), keys, rules), JwtMatch::does_not_fit);
}

TEST(JwtToken, TakesTheKeyThatItNames) {
  const JwtSigner one = JwtSigner::ed25519();
  const JwtSigner two = JwtSigner::ed25519();
  const JwtKeySet keys = set_of(nlohmann::json{{"keys", {one.jwk("one"), two.jwk("two")}}}.dump());
  EXPECT_EQ(match(two.token("EdDSA", "{}", R"(,"kid":"two")"), keys), JwtMatch::fits);
  EXPECT_EQ(match(two.token("EdDSA", "{}", R"(,"kid":"one")"), keys), JwtMatch::does_not_fit);
  EXPECT_EQ(match(two.token("EdDSA", "{}", R"(,"kid":"three")"), keys), JwtMatch::no_such_key);
  EXPECT_EQ(match(two.token("EdDSA", "{}"), keys), JwtMatch::fits) << "without a name all are tried";
}

TEST(JwtToken, IsThreePartsOfBase64AndJson) {
  const std::string good = hs256_token(kSecret, R"({"alg":"HS256"})", "{}");
  EXPECT_TRUE(split_token(as_bytes(good)));
  for (const std::string& text :
       {std::string(), std::string("secret"), std::string("a.b.c"), std::string(".."), "." + good, good + ".",
        good + "=", good + " ", url64("[]") + "." + url64("{}") + ".AAAA", url64("{}") + "." + url64("5") + ".AAAA",
        url64("{") + "." + url64("{}") + ".AAAA", url64("{}x") + "." + url64("{}") + ".AAAA",
        url64("{\"a\":\"\xFF\"}") + "." + url64("{}") + ".AAAA", std::string(kMaxTokenBytes, 'A') + "." + good}) {
    EXPECT_FALSE(split_token(as_bytes(text))) << text.substr(0, 80);
  }
  const std::string deep = R"({"a":)" + std::string(5'000, '[') + std::string(5'000, ']') + "}";
  EXPECT_FALSE(split_token(as_bytes(url64("{}") + "." + url64(deep) + ".AAAA")));
}

TEST(JwtToken, ChecksTimeIssuerAndAudience) {
  constexpr std::int64_t now = 1'800'000'000'000;
  const auto outcome = [&](const char* claims, const JwtRules& rules) {
    const auto checked = check_claims(nlohmann::json::parse(claims), rules, now);
    return checked ? fmt::format("{}", *checked) : checked.error().message;
  };
  JwtRules rules;
  EXPECT_EQ(outcome("{}", rules), "0");
  EXPECT_EQ(outcome(R"({"exp":1800000001})", rules), "1800000001000");
  EXPECT_EQ(outcome(R"({"exp":1800000000.5,"nbf":1800000000,"iat":1799999999})", rules), "1800000000500");
  EXPECT_EQ(outcome(R"({"exp":1800000000})", rules), "the token has expired");
  EXPECT_EQ(outcome(R"({"exp":1e300})", rules), "253402300799000");
  EXPECT_EQ(outcome(R"({"nbf":1800000001})", rules), "the token is not valid yet");
  EXPECT_EQ(outcome(R"({"iat":1800000001})", rules), "the token was issued in the future");
  for (const char* claims : {R"({"exp":"1800000001"})", R"({"exp":-1})", R"({"nbf":null})", R"({"iat":[]})"}) {
    EXPECT_NE(outcome(claims, rules).find("is no time"), std::string::npos) << claims;
  }
  rules.leeway_ms = 2'000;
  EXPECT_EQ(outcome(R"({"exp":1799999999,"nbf":1800000002,"iat":1800000002})", rules), "1800000001000");
  EXPECT_EQ(outcome(R"({"exp":1799999998})", rules), "the token has expired");
  rules.issuer = "us";
  EXPECT_EQ(outcome(R"({"iss":"us"})", rules), "0");
  EXPECT_EQ(outcome(R"({"iss":"them"})", rules), "the token is from another issuer");
  EXPECT_EQ(outcome("{}", rules), "the token is from another issuer");
  rules.issuer.clear();
  rules.audience = "broker";
  EXPECT_EQ(outcome(R"({"aud":"broker"})", rules), "0");
  EXPECT_EQ(outcome(R"({"aud":["x","broker"]})", rules), "0");
  for (const char* claims : {"{}", R"({"aud":"x"})", R"({"aud":["x"]})", R"({"aud":5})", R"({"aud":[]})"}) {
    EXPECT_EQ(outcome(claims, rules), "the token is for another audience") << claims;
  }
}

TEST(JwtKey, TakesNoWeakKeys) {
  EXPECT_FALSE(JwtKey::from_secret("0123456789abcdef0123456789abcde"));
  EXPECT_FALSE(JwtKey::from_pem(JwtSigner::rsa(1'024).pem()));
  EXPECT_FALSE(JwtKey::from_pem(JwtSigner::ec("secp256k1").pem()));
  EXPECT_FALSE(JwtKey::from_pem(""));
  EXPECT_FALSE(JwtKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
  const JwtKey secret = *JwtKey::from_secret(kSecret);
  EXPECT_TRUE(secret.fits(JwtAlgorithm::hs256));
  EXPECT_FALSE(secret.fits(JwtAlgorithm::hs512)) << "it is shorter than the digest";
}

TEST(JwkSet, LeavesOutWhatIsNotForSignatures) {
  const JwtSigner signer = JwtSigner::ec("P-256");
  const auto with = [&](const char* name, const nlohmann::json& value) {
    nlohmann::json jwk = signer.jwk("k");
    jwk[name] = value;
    return parse_jwk_set(nlohmann::json{{"keys", {jwk}}}.dump()).has_value();
  };
  EXPECT_TRUE(with("alg", "ES256"));
  EXPECT_TRUE(with("key_ops", nlohmann::json{"verify"}));
  EXPECT_FALSE(with("alg", "ES384"));
  EXPECT_FALSE(with("alg", "none"));
  EXPECT_FALSE(with("use", "enc"));
  EXPECT_FALSE(with("key_ops", nlohmann::json{"sign"}));
  EXPECT_FALSE(with("kty", "DSA"));
  EXPECT_FALSE(with("x", url64(std::string(32, '\x01')))) << "no point of the curve";
  EXPECT_FALSE(with("x", "AAAA"));
  for (const char* text : {"", "{}", "[]", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[5,null,{}]})"}) {
    EXPECT_FALSE(parse_jwk_set(text)) << text;
  }
}

TEST(JwkSet, AKeysAlgorithmHolds) {
  const JwtSigner signer = JwtSigner::rsa();
  nlohmann::json jwk = signer.jwk("k");
  jwk["alg"] = "PS256";
  const JwtKeySet keys = set_of(nlohmann::json{{"keys", {jwk}}}.dump());
  EXPECT_EQ(match(signer.token("PS256", "{}"), keys), JwtMatch::fits);
  EXPECT_EQ(match(signer.token("RS256", "{}"), keys), JwtMatch::does_not_fit);
}

}  // namespace
}  // namespace martlet::auth
