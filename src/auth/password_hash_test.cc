#include "auth/password_hash.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "auth/testing/counting_entropy.h"

namespace martlet::auth {
namespace {

bool matches(std::string_view text, std::string_view password) {
  const auto hash = parse_password_hash(text);
  EXPECT_TRUE(hash) << text << ": " << (hash ? "" : hash.error().message);
  if (!hash) return false;
  const auto outcome = verify_password(*hash, as_bytes(password));
  EXPECT_TRUE(outcome);
  return outcome.value_or(false);
}

struct Vector {
  const char* password;
  const char* hash;
};

// Written by mosquitto_passwd 2.0.11, by Python's hashlib, by the argon2 reference's tests, and from RFC 7677.
constexpr Vector kVectors[] = {
    {"secret-alice",
     "$7$101$Z/C4cPA+8w8111Sw$Z/3jL4E//"
     "jp4OvZjjIixk9SDO0QlkgtHn+bnXW2RvBYdL1UIfT3P4nlUMVwYNVEVEP2RItz6tRt7zclKUIyQew=="},
    {"secret-bob",
     "$7$101$0EaKt9qOC6hccDXt$w51i3rFqM/un6CheWra0mOg1lvJ1F6LffW/CdZnsEwRz2nqQ+RE0Mg/"
     "23EL+b+4FV5KQ2LrNQ4sK7WJ87HEWPw=="},
    {"secret-carol",
     "$6$Hd0M8TsUhDPCb7m0$2/Vx6nOthYfbf612052OzR6vcjb1a05g3g+anMK0WYplfVCO3Qp7Z0SqLJ73qQR/eC/SeJswdbRsF4jvr5wz4Q=="},
    {"secret-known",
     "$6$AAECAwQFBgcICQoL$MgM2t9b1m/sAjMTj/vZUUP0hK55osWGzfieF2tsrzLQN8dptAwUlgikp0s1pbapt4Wzl8Z9lUX15pw9UKII12g=="},
    {"secret-known",
     "$7$1000$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+"
     "Pw==$7Tt0nZaIJ6g2fqL3b+V9yflc4Whm+ml4l6V9rLZPhV7qp7NrvS4UXb/ldVN6Nh8zHjSngvB0IKS7jUuslbh2TQ=="},
    {"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
    {"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
    {"pencil",
     "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
     "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="},
};

TEST(PasswordHash, ChecksWhatOthersWrote) {
  for (const Vector& vector : kVectors) {
    EXPECT_TRUE(matches(vector.hash, vector.password)) << vector.hash;
    EXPECT_FALSE(matches(vector.hash, std::string(vector.password) + "x")) << vector.hash;
    EXPECT_FALSE(matches(vector.hash, "")) << vector.hash;
  }
}

TEST(PasswordHash, AnEmptyPasswordIsOneToo) {
  EXPECT_TRUE(
      matches("$7$101$T6J8yZX/Ef/H82yP$zz2XcIiPekcPojnBYQiB5lrzGfz4O305InQyeWvhcyx7l2R/4jL/"
              "opzuO+MXf6LXG4bmdo/yrTECcaMNah6ZJQ==",
              ""));
}

TEST(PasswordHash, ADecoyTakesTheSameWorkAndFitsNothing) {
  for (const Vector& vector : kVectors) {
    const auto hash = parse_password_hash(vector.hash);
    ASSERT_TRUE(hash);
    const PasswordHash decoy = decoy_of(*hash);
    EXPECT_EQ(estimated_us(decoy), estimated_us(*hash));
    EXPECT_EQ(decoy.salt.size(), hash->salt.size());
    EXPECT_FALSE(verify_password(decoy, as_bytes(vector.password)).value_or(true));
  }
}

TEST(PasswordHash, BoundsWhatACheckMayCost) {
  const std::string salt_and_hash = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  const auto argon2 = [&](std::string_view parameters) {
    return parse_password_hash(fmt::format("$argon2id$v=19${}{}", parameters, salt_and_hash)).has_value();
  };
  EXPECT_TRUE(argon2("m=256,t=2,p=1"));
  EXPECT_TRUE(argon2("m=1048576,t=16,p=1"));
  for (const char* parameters :
       {"m=1048577,t=1,p=1", "m=1048576,t=17,p=1", "m=4294967295,t=1,p=1", "m=4294967296,t=1,p=1", "m=256,t=0,p=1",
        "m=256,t=1,p=0", "m=256,t=1,p=65", "m=8,t=1,p=2", "m=256,t=2", "m=256,t=2,p=1,keyid=x", "t=2,m=256,p=1",
        "m=-1,t=2,p=1", "m=256,t=4294967295,p=1", ""}) {
    EXPECT_FALSE(argon2(parameters)) << parameters;
  }
  EXPECT_FALSE(parse_password_hash("$7$10000001" + std::string(kVectors[0].hash).substr(6)));
  EXPECT_FALSE(parse_password_hash("$7$0" + std::string(kVectors[0].hash).substr(6)));
  EXPECT_TRUE(parse_password_hash("$7$10000000" + std::string(kVectors[0].hash).substr(6)));
}

TEST(PasswordHash, RefusesWhatIsNoneAndSaysWhyWithoutShowingIt) {
  for (const char* text :
       {"", "plain-text", "$5$a$b", "$6$", "$6$AAAA", "$6$AAAA$", "$6$AAAA$AAAA", "$7$", "$7$101$AAAA$AAAA",
        "$7$x$AAAA$AAAA", "$argon2id$", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", "$argon2id$v=18$m=256,t=2,p=1$a$b",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "SCRAM-SHA-256$",
        "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA", "SCRAM-SHA-1$4096:AAAA$AAAA:AAAA"}) {
    const auto hash = parse_password_hash(text);
    ASSERT_FALSE(hash) << text;
    EXPECT_FALSE(hash.error().message.empty());
  }
  EXPECT_EQ(parse_password_hash("hunter2").error().message.find("hunter2"), std::string::npos);
  const std::string i = "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  EXPECT_NE(parse_password_hash(i).error().message.find("only argon2id"), std::string::npos);
  EXPECT_FALSE(parse_password_hash(std::string(100'000, '$')));
}

TEST(PasswordHash, MakesWhatItReads) {
  testing::CountingEntropy entropy;
  HashOptions options;
  options.memory_kib = 64;
  options.pbkdf2_iterations = 10;
  options.scram_iterations = 10;
  for (const auto kind :
       {PasswordHash::Kind::argon2id, PasswordHash::Kind::pbkdf2_sha512, PasswordHash::Kind::scram_sha256}) {
    options.kind = kind;
    const auto first = make_password_hash(options, as_bytes("p"), entropy);
    const auto second = make_password_hash(options, as_bytes("p"), entropy);
    ASSERT_TRUE(first && second);
    EXPECT_NE(*first, *second) << "each has a salt of its own";
    EXPECT_TRUE(matches(*first, "p"));
    EXPECT_FALSE(matches(*first, "q"));
    EXPECT_EQ(parse_password_hash(*first)->kind, kind);
  }
  EXPECT_EQ(parse_password_hash(*make_password_hash({PasswordHash::Kind::pbkdf2_sha512}, as_bytes("p"), entropy))
                ->salt.size(),
            12u)
      << "Mosquitto 2.0 reads no other";
  options.kind = PasswordHash::Kind::sha512;
  EXPECT_FALSE(make_password_hash(options, as_bytes("p"), entropy));
  options.kind = PasswordHash::Kind::argon2id;
  options.memory_kib = 2u << 20;
  EXPECT_FALSE(make_password_hash(options, as_bytes("p"), entropy));
}

}  // namespace
}  // namespace martlet::auth
