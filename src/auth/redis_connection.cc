#include "auth/redis_connection.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <array>
#include <utility>

namespace martlet::auth {

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisTarget& target,
                                                               const env::Deadline& deadline) {
  auto socket = env::posix::BoundedSocket::connect(target.endpoint, deadline);
  if (!socket) return tl::unexpected(socket.error());
  std::unique_ptr<RedisConnection> connection(new RedisConnection(std::move(*socket)));
  if (connection->reader_ == nullptr) return fail("hiredis gives no reader");
  if (!target.password.empty()) {
    std::vector<std::string> auth{"AUTH"};
    if (!target.username.empty()) auth.push_back(target.username);
    auth.push_back(target.password);
    if (auto done = connection->expect_ok(auth, deadline); !done) return tl::unexpected(done.error());
  }
  if (!target.database.empty()) {
    if (auto done = connection->expect_ok({"SELECT", target.database}, deadline); !done)
      return tl::unexpected(done.error());
  }
  return connection;
}

Result<RedisConnection::Reply> RedisConnection::command(const std::vector<std::string>& arguments,
                                                        const env::Deadline& deadline) {
  // Whatever already waits there is no answer to this.
  usable_ = usable_ && socket_.quiet();
  if (!usable_) return fail("the connection was closed");
  usable_ = false;
  if (auto sent = send(arguments, deadline); !sent) return tl::unexpected(sent.error());
  auto reply = receive(deadline);
  usable_ = reply.has_value();
  return reply;
}

Result<void> RedisConnection::send(const std::vector<std::string>& arguments, const env::Deadline& deadline) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  char* bytes = nullptr;
  const int size = redisFormatCommandArgv(&bytes, static_cast<int>(texts.size()), texts.data(), sizes.data());
  if (size < 0) return fail("hiredis cannot write the command");
  auto sent = socket_.write(as_bytes({bytes, static_cast<std::size_t>(size)}), deadline);
  OPENSSL_cleanse(bytes, static_cast<std::size_t>(size));
  redisFreeCommand(bytes);
  return sent;
}

Result<RedisConnection::Reply> RedisConnection::receive(const env::Deadline& deadline) {
  std::array<std::uint8_t, 4096> room;
  std::size_t received = 0;
  for (;;) {
    const auto count = socket_.read(room, deadline);
    if (!count) return tl::unexpected(count.error());
    received += *count;
    if (received > kMaxReplyBytes) return fail(fmt::format("the reply is larger than {} bytes", kMaxReplyBytes));
    void* reply = nullptr;
    if (redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(room.data()), *count) != REDIS_OK ||
        redisReaderGetReply(reader_.get(), &reply) != REDIS_OK)
      return fail(fmt::format("no Redis: {}", reader_->errstr));
    if (reply != nullptr) return Reply(static_cast<redisReply*>(reply));
  }
}

Result<void> RedisConnection::expect_ok(const std::vector<std::string>& arguments, const env::Deadline& deadline) {
  const auto reply = command(arguments, deadline);
  if (!reply) return tl::unexpected(reply.error());
  const redisReply& found = **reply;
  if (found.type == REDIS_REPLY_STATUS) return {};
  const std::string_view said =
      found.type == REDIS_REPLY_ERROR ? std::string_view(found.str, found.len) : "an odd reply";
  return fail(fmt::format("{}: {}", arguments.front(), said));
}

}  // namespace martlet::auth
