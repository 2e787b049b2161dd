// What every provider has to keep to. A provider's test calls expect_contract() with a case of its own.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "auth/provider.h"

namespace martlet::auth::testing {

struct ProviderCase {
  std::function<std::unique_ptr<Provider>()> make;
  std::function<Credentials()> right;    // of a client that gets in
  std::function<Credentials()> wrong;    // of one that is known, with another proof; null: there is no such thing
  std::function<Credentials()> unknown;  // of one that is not known
  std::string username;                  // who the right one is
  std::int64_t wall_ms = 1'800'000'000'000;
  // What becomes of those who are not known: a service that speaks for all clients refuses them.
  Opinion::Kind of_unknown = Opinion::Kind::unknown;
};

inline Credentials credentials_of(std::string_view username, std::string_view password) {
  Credentials credentials;
  credentials.client_id = "client";
  credentials.username = username;
  credentials.password = std::vector<std::uint8_t>(password.begin(), password.end());
  credentials.peer_address = "192.0.2.1:50000";
  credentials.listener = "listener";
  return credentials;
}

namespace contract {

inline Opinion::Kind kind(Provider& provider, const ProviderCase& one, const Credentials& credentials) {
  return provider.check(credentials, one.wall_ms).kind;
}

inline void expect_decisions(Provider& provider, const ProviderCase& one) {
  const Credentials right = one.right();
  const Opinion opinion = provider.check(right, one.wall_ms);
  ASSERT_EQ(opinion.kind, Opinion::Kind::allow) << opinion.reason;
  EXPECT_EQ(opinion.username.empty() ? right.username.value_or("") : opinion.username, one.username);
  if (one.wrong) {
    const Opinion refusal = provider.check(one.wrong(), one.wall_ms);
    EXPECT_EQ(refusal.kind, Opinion::Kind::refuse);
    EXPECT_FALSE(refusal.reason.empty());
  }
  EXPECT_EQ(kind(provider, one, one.unknown()), one.of_unknown);
}

inline void expect_nobody_in_without_proof(Provider& provider, const ProviderCase& one) {
  Credentials bare = one.right();
  bare.password.reset();
  bare.peer.reset();
  for (const auto& username : {std::optional<std::string>{}, std::optional<std::string>{""}, one.right().username}) {
    bare.username = username;
    bare.password.reset();
    EXPECT_NE(kind(provider, one, bare), Opinion::Kind::allow) << "no password";
    bare.password.emplace();
    EXPECT_NE(kind(provider, one, bare), Opinion::Kind::allow) << "an empty password";
  }
}

// What MQTT's rules for texts keep out, and what they let through: nothing here relies on them.
inline std::vector<std::string> strange_texts() {
  using namespace std::string_literals;
  return {"a\0b"s,
          "\0"s,
          "\xff\xfe"s,
          "\xc0\x80"s,
          "\xed\xa0\x80"s,
          "\xf4\x90\x80\x80"s,
          "a\r\nb"s,
          "\xef\xbb\xbf"s,
          "\xe2\x80\xae"s,
          "%s%n%u%c"s,
          "${x}"s,
          "*)(uid=*"s,
          "' OR '1'='1"s,
          "a:b"s,
          " "s,
          std::string(512, 'u'),
          std::string(512, '\xff')};
}

inline void expect_strange_texts_are_borne(Provider& provider, const ProviderCase& one) {
  for (const std::string& text : strange_texts()) {
    EXPECT_NE(kind(provider, one, credentials_of(text, text)), Opinion::Kind::allow) << text;
    EXPECT_NE(kind(provider, one, credentials_of(text, "secret")), Opinion::Kind::allow) << text;
    EXPECT_NE(kind(provider, one, credentials_of(one.username, text)), Opinion::Kind::allow) << text;
    EXPECT_NE(kind(provider, one, credentials_of(one.username + text, text)), Opinion::Kind::allow) << text;
    Credentials odd_client = one.right();
    odd_client.client_id = text;
    static_cast<void>(provider.check(odd_client, one.wall_ms));
  }
  // Nobody else pays for it.
  EXPECT_EQ(kind(provider, one, one.right()), Opinion::Kind::allow);
  for (const char letter : {'a', '%', '\'', '*', '.', '\x01', '\x7F'}) {
    const std::string huge(65'535, letter);
    EXPECT_NE(kind(provider, one, credentials_of(huge, huge)), Opinion::Kind::allow);
    EXPECT_NE(kind(provider, one, credentials_of(huge, "")), Opinion::Kind::allow);
    EXPECT_NE(kind(provider, one, credentials_of(one.username, huge)), Opinion::Kind::allow);
  }
}

inline void expect_threads_are_answered(Provider& provider, const ProviderCase& one) {
  std::atomic<int> mistakes = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        if (kind(provider, one, one.right()) != Opinion::Kind::allow) ++mistakes;
        if (one.wrong && kind(provider, one, one.wrong()) != Opinion::Kind::refuse) ++mistakes;
        if (kind(provider, one, one.unknown()) != one.of_unknown) ++mistakes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(mistakes, 0);
}

}  // namespace contract

inline void expect_contract(const ProviderCase& one) {
  const std::unique_ptr<Provider> provider = one.make();
  ASSERT_NE(provider, nullptr);
  EXPECT_FALSE(provider->name().empty());
  contract::expect_decisions(*provider, one);
  contract::expect_nobody_in_without_proof(*provider, one);
  contract::expect_strange_texts_are_borne(*provider, one);
  contract::expect_threads_are_answered(*provider, one);
}

}  // namespace martlet::auth::testing
