#include "env/posix/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

#include "env/posix/unix_socket.h"

namespace martlet::env::posix {
namespace {

SocketAddress from_v4(const sockaddr_in& v4) {
  SocketAddress address;
  std::memcpy(&address.storage, &v4, sizeof v4);
  address.size = sizeof v4;
  return address;
}

SocketAddress from_v6(const sockaddr_in6& v6) {
  SocketAddress address;
  std::memcpy(&address.storage, &v6, sizeof v6);
  address.size = sizeof v6;
  return address;
}

std::optional<SocketAddress> numeric_address(const Endpoint& endpoint) {
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    return from_v4(v4);
  }
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, endpoint.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    return from_v6(v6);
  }
  return std::nullopt;
}

std::string path_in(const SocketAddress& address) {
  constexpr std::size_t kPathAt = offsetof(sockaddr_un, sun_path);
  if (address.size <= kPathAt) return {};
  std::string path(reinterpret_cast<const char*>(&address.storage) + kPathAt, address.size - kPathAt);
  // Outside the file system it begins with a zero, which is written as '@'.
  if (path.front() == '\0') {
    path.front() = '@';
    return path;
  }
  path.resize(std::strlen(path.c_str()));
  return path;
}

}  // namespace

Result<std::vector<SocketAddress>> resolve_addresses(const Endpoint& endpoint) {
  if (const std::string_view path = unix_path(endpoint); !path.empty()) {
    const auto address = unix_address(path);
    if (!address) return tl::unexpected(address.error());
    return std::vector{*address};
  }
  if (const auto numeric = numeric_address(endpoint)) return std::vector{*numeric};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const int status = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &list);
  if (status != 0) {
    const int code = status == EAI_SYSTEM ? errno : 0;
    return fail(fmt::format("cannot find the address of '{}': {}", endpoint.host, ::gai_strerror(status)), code);
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    addresses.push_back(address);
  }
  ::freeaddrinfo(list);
  return addresses;
}

SocketAddress any_address(int family, std::uint16_t port) {
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return from_v4(v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return from_v6(v6);
}

Endpoint to_endpoint(const SocketAddress& address) {
  if (address.family() == AF_UNIX) return {"unix:" + path_in(address), 0};
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return {text, ntohs(v4.sin_port)};
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address.storage, sizeof v6);
  const std::uint16_t port = ntohs(v6.sin6_port);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    return {text, port};
  }
  // A link-local address is of no use without its interface, which only getnameinfo writes.
  char scoped[NI_MAXHOST] = "";
  if (v6.sin6_scope_id != 0 &&
      ::getnameinfo(address.get(), address.size, scoped, sizeof scoped, nullptr, 0, NI_NUMERICHOST) == 0) {
    return {scoped, port};
  }
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return {text, port};
}

}  // namespace martlet::env::posix
