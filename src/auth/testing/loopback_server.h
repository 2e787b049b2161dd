// A server on a free loopback port, for tests: one thread, one connection after another.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace martlet::auth::testing {

// Owns the listening socket; `serve` gets each accepted connection and may keep it as long as it likes.
class LoopbackServer {
 public:
  using Serve = std::function<void(int connection)>;

  explicit LoopbackServer(Serve serve) : serve_(std::move(serve)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~LoopbackServer() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);  // ends accept()
    {
      const std::scoped_lock lock(mutex_);
      if (serving_ >= 0) ::shutdown(serving_, SHUT_RDWR);
    }
    thread_.join();
    ::close(listener_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  void run() {
    while (!ending_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      ++accepted_;
      set_serving(connection);
      if (!ending_) serve_(connection);
      set_serving(-1);
      ::close(connection);
    }
  }
  void set_serving(int connection) {
    const std::scoped_lock lock(mutex_);
    serving_ = connection;
  }

  Serve serve_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  int serving_ = -1;
  std::thread thread_;
};

// What HTTP clients sent, and what they get.
class HttpServer {
 public:
  struct Request {
    std::string head;
    std::string body;
  };
  using Answer = std::function<std::string(const Request&)>;  // the whole response; empty: close without one

  explicit HttpServer(Answer answer)
      : answer_(std::move(answer)), server_([this](int connection) { serve(connection); }) {}

  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + path;
  }
  int accepted() const { return server_.accepted(); }
  std::vector<Request> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

  static std::string response(int status, const std::string& body, const std::string& more_head = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           more_head + "\r\n" + body;
  }

 private:
  // Reads to the end of one request; false when the client is gone.
  static bool read_request(int connection, std::string& unread, Request& request) {
    for (;;) {
      const std::size_t end = unread.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = unread.find("Content-Length: ");
        const std::size_t size = at < end ? std::stoul(unread.substr(at + 16)) : 0;
        if (unread.size() >= end + 4 + size) {
          request = {unread.substr(0, end + 2), unread.substr(end + 4, size)};
          unread.erase(0, end + 4 + size);
          return true;
        }
      }
      char room[4096];
      const ssize_t count = ::recv(connection, room, sizeof room, 0);
      if (count <= 0) return false;
      unread.append(room, static_cast<std::size_t>(count));
    }
  }

  void serve(int connection) {
    std::string unread;
    Request request;
    while (read_request(connection, unread, request)) {
      {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer = answer_(request);
      if (answer.empty()) return;
      if (::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    }
  }

  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  LoopbackServer server_;  // last: its thread uses the rest
};

}  // namespace martlet::auth::testing
