// Ports for tests: an authenticator, an authorizer and a record sink whose answers a scenario can foresee.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/ports.h"
#include "broker/testing/fake_ports.h"

namespace martlet::test {

// Without a method: the password "wrong" gives 0x86, the user name "banned" 0x8A, everything else is let in.
// Method "TEST-CHAL": any first data is challenged with "c1", the proof "ok" is accepted, another one refused (0x87).
// Method "TEST-ONE": accepted at once, with the data "done".
class TestAuthenticator : public broker::Authenticator {
 public:
  broker::AuthDecision authenticate(const broker::ConnectFacts& facts) override;
  std::unique_ptr<broker::AuthExchange> begin(std::string_view method, const broker::ConnectFacts& facts) override;
};

// Refuses what lies below "denied/".
class TestAuthorizer : public broker::Authorizer {
 public:
  broker::AccessDecision may_publish(const broker::Actor&, std::string_view topic, wire::QoS, bool) override;
  broker::AccessDecision may_subscribe(const broker::Actor&, std::string_view filter, wire::QoS) override;
};

// Everything is durable at once, unless it is told to hold: then tickets wait for release. Without a log, messages wait
// in memory only.
class TestRecords : public broker::testing::FakeRecords {
 public:
  TestRecords() { keeps_names = keeps_log = false; }
  void hold() { at_once = false; }
  void stop_holding() { at_once = true; }
};

// Collects the lines, so that a failed scenario can show them.
class TestLog : public broker::Log {
 public:
  bool wants(broker::LogLevel) const override { return true; }
  const std::string& last() const { return last_; }

 private:
  void put(broker::LogLevel, std::string_view text, const broker::LogSubject&) override { last_ = text; }

  std::string last_;
};

}  // namespace martlet::test
