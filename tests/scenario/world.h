// The broker with its surroundings at one height: in memory, or behind real sockets. Time is set by hand at both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "broker/broker.h"
#include "broker/options.h"
#include "tests/support/test_ports.h"

namespace martlet::scenario {

// Clients are numbered from 0 in the order of their first use.
class World {
 public:
  virtual ~World() = default;

  virtual void open(std::size_t client) = 0;
  // Sends bytes of an open client; when it returns, the broker has dealt with them (unless it does not read).
  virtual void send(std::size_t client, std::string_view bytes) = 0;
  // The client's connection breaks.
  virtual void cut(std::size_t client) = 0;
  // Whether the client takes bytes off its connection.
  virtual void read(std::size_t client, bool reads) = 0;

  // What came for the client since the last call.
  virtual std::string take_received(std::size_t client) = 0;
  // Whether the broker has closed the client's present connection.
  virtual bool closed(std::size_t client) = 0;

  // Lets time pass; timers run at their deadlines.
  virtual void advance(std::int64_t ms) = 0;
  // The log is durable up to here.
  virtual void durable(std::uint64_t position) = 0;
  virtual void shut_down() = 0;

  virtual broker::Broker& broker() = 0;
  virtual const Now& now() const = 0;

  test::TestRecords& records() { return records_; }
  const test::TestLog& log() const { return log_; }

 protected:
  // Where time starts: neither 0 nor round.
  static constexpr Now kStart{1'000'007, 1'700'000'000'000};

  test::TestRecords records_;
  test::TestAuthenticator authenticator_;
  test::TestAuthorizer authorizer_;
  test::TestLog log_;
};

// `options` must outlive the world.
std::unique_ptr<World> make_memory_world(const broker::BrokerOptions& options);
std::unique_ptr<World> make_socket_world(const broker::BrokerOptions& options);

}  // namespace martlet::scenario
