#include "net/tls_pipe.h"

#include <algorithm>

#include "base/check.h"

namespace martlet::net {
namespace {

TlsPipe& pipe_of(BIO* bio) {
  return *static_cast<TlsPipe*>(BIO_get_data(bio));
}

int read_pipe(BIO* bio, char* room, std::size_t room_bytes, std::size_t* taken) {
  BIO_clear_retry_flags(bio);
  ByteView& bytes = pipe_of(bio).from_peer;
  *taken = std::min(bytes.size(), room_bytes);
  if (*taken == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(room, bytes.data(), *taken);
  bytes = bytes.subspan(*taken);
  return 1;
}

int write_pipe(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  ByteChain* to_peer = pipe_of(bio).to_peer;
  check(to_peer != nullptr, "OpenSSL writes only when it is asked to");
  to_peer->append(as_bytes({data, size}));
  *written = size;
  return 1;
}

long control_pipe(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int create_pipe(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "martlet");
  check(method != nullptr, "OpenSSL has memory");
  BIO_meth_set_create(method, create_pipe);
  BIO_meth_set_read_ex(method, read_pipe);
  BIO_meth_set_write_ex(method, write_pipe);
  BIO_meth_set_ctrl(method, control_pipe);
  return method;
}

}  // namespace

OwnedBio make_pipe_bio(TlsPipe& pipe) {
  static const BIO_METHOD* const method = make_method();
  OwnedBio bio(BIO_new(method));
  check(bio != nullptr, "OpenSSL has memory");
  BIO_set_data(bio.get(), &pipe);
  return bio;
}

}  // namespace martlet::net
