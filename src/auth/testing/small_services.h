// Services on loopback that know one user, `ann` with the password `secret`, for tests that ask real providers.
#pragma once

#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "auth/testing/loopback_server.h"

namespace martlet::auth::testing {

// For HttpServer: a service of the kind that [[authentication]] kind = "http" asks.
inline std::string answer_of_users(const HttpServer::Request& request) {
  const auto question = nlohmann::json::parse(request.body, nullptr, false);
  std::string result = "ignore";
  if (question.is_object() && question.value("username", "") == "ann")
    result = question.value("password", "") == "secret" ? "allow" : "deny";
  // One connection at a time is served.
  return HttpServer::response(200, R"({"result": ")" + result + R"("})", "Connection: close\r\n");
}

// As much of Redis as HGETALL takes; one connection at a time.
class RedisServer {
 public:
  RedisServer(std::string user, std::string password_hash)
      : key_("mqtt:user:" + user), hash_(std::move(password_hash)), server_([this](int fd) { serve(fd); }) {}

  std::string url() const { return "redis://127.0.0.1:" + std::to_string(server_.port()); }

 private:
  // Takes one command's key off the front; false while it is not whole.
  static bool take(std::string& unread, std::string& key) {
    const std::string head = "*2\r\n$7\r\nHGETALL\r\n$";
    const std::size_t end = unread.find("\r\n", head.size());
    if (unread.size() < head.size() || end == std::string::npos) return false;
    const std::size_t size = std::stoul(unread.substr(head.size(), end - head.size()));
    if (unread.size() < end + 2 + size + 2) return false;
    key = unread.substr(end + 2, size);
    unread.erase(0, end + 2 + size + 2);
    return true;
  }
  static std::string bulk(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }

  void serve(int connection) {
    std::string unread;
    std::string key;
    char room[4096];
    for (;;) {
      while (take(unread, key)) {
        const std::string answer = key == key_ ? "*2\r\n" + bulk("password_hash") + bulk(hash_) : "*0\r\n";
        if (::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
      }
      const ssize_t count = ::recv(connection, room, sizeof room, 0);
      if (count <= 0) return;
      unread.append(room, static_cast<std::size_t>(count));
    }
  }

  const std::string key_;
  const std::string hash_;
  LoopbackServer server_;  // last: its thread uses the rest
};

}  // namespace martlet::auth::testing
