// A connection to Redis: commands as lists of arguments, replies through hiredis's reader.
#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/deadline.h"
#include "env/endpoint.h"
#include "env/posix/bounded_socket.h"

namespace martlet::auth {

struct RedisTarget {
  env::Endpoint endpoint;
  std::string username;  // empty: AUTH with the password alone
  std::string password;  // empty: no AUTH
  std::string database;  // empty: 0
};

// One thread at a time.
class RedisConnection {
 public:
  static constexpr std::size_t kMaxReplyBytes = 65'536;

  struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  using Reply = std::unique_ptr<redisReply, FreeReply>;

  // Connects, authenticates and selects the database.
  static Result<std::unique_ptr<RedisConnection>> open(const RedisTarget& target, const env::Deadline& deadline);

  // The reply, which may be Redis's error. Arguments may have any bytes. After an Error it is not usable.
  Result<Reply> command(const std::vector<std::string>& arguments, const env::Deadline& deadline);
  bool usable() const { return usable_; }

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };

  explicit RedisConnection(env::posix::BoundedSocket socket)
      : socket_(std::move(socket)), reader_(redisReaderCreate()) {}
  Result<void> send(const std::vector<std::string>& arguments, const env::Deadline& deadline);
  Result<Reply> receive(const env::Deadline& deadline);
  // A command whose reply must not be an error.
  Result<void> expect_ok(const std::vector<std::string>& arguments, const env::Deadline& deadline);

  env::posix::BoundedSocket socket_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  bool usable_ = true;
};

}  // namespace martlet::auth
