// The half of Network that both pollers share: what is done with a socket once one knows that it can be done.
#pragma once

#include <span>
#include <vector>

#include "env/network.h"
#include "env/posix/descriptor.h"
#include "env/posix/unix_socket.h"

namespace martlet::env::posix {

// See env/network.h for the contracts. Derived classes add the poller.
class SocketNetwork : public Network {
 public:
  Result<std::vector<Endpoint>> resolve(const Endpoint& endpoint) override;
  Result<Handle> listen(const Endpoint& endpoint, const ListenOptions& options) override;
  Result<Endpoint> local_endpoint(Handle handle) override;
  Accepted accept(Handle listener) override;
  bool shed(Handle listener) override;
  Result<Handle> connect(const Endpoint& endpoint) override;
  int connect_error(Handle handle) override;
  IoOutcome read(Handle handle, std::span<std::uint8_t> room) override;
  IoOutcome write(Handle handle, std::span<const ByteView> views) override;
  void shutdown_write(Handle handle) override;
  void close(Handle handle) override;

 protected:
  SocketNetwork();

 private:
  UnixFiles unix_files_;
  OwnedDescriptor spare_;  // given up to shed a connection when descriptors are out
};

}  // namespace martlet::env::posix
