// TLS of a listener: makes the layers of its connections, and loads its files anew while it serves.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "env/files.h"
#include "net/stream_layer.h"
#include "net/tls_options.h"
#include "net/tls_validity.h"

namespace martlet::net {

struct TlsSet;

// Every function: any thread, several at once. Its lock is held for the copy of a pointer alone.
class TlsContext final : public LayerFactory {
 public:
  // Reads the files that `options` names. `websocket`: ALPN is "http/1.1" instead of "mqtt". `files` and `clock`
  // outlive all layers. An Error names the option and the file and says what to do; what is only suspicious is in
  // warnings(). `earlier`: the one that is to adopt() it, if any.
  static Result<std::unique_ptr<TlsContext>> make(const TlsOptions& options, bool websocket, env::Files& files,
                                                  env::Clock& clock, const TlsContext* earlier = nullptr);
  ~TlsContext() override;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Loads everything anew, for the connections that come; those that are there, and handshakes under way, go on with
  // what they began with. An Error changes nothing. Clients' session tickets stay good as long as nothing changes but
  // the server's own certificates and keys.
  Result<void> reload(const TlsOptions& options);
  // The same with what `fresh` has loaded: it cannot fail.
  void adopt(const TlsContext& fresh);

  std::unique_ptr<StreamLayer> make(std::string_view peer_address) override;

  // Of the server's certificates; none with PSK alone.
  std::vector<TlsValidity> validities() const;
  // Every path that it was made of, each once: files, and client_ca_dir itself.
  std::vector<std::string> files() const;
  // What was suspicious when it was loaded last: expired lists, weak keys. One line each.
  std::vector<std::string> warnings() const;

 private:
  TlsContext(std::shared_ptr<const TlsSet> set, bool websocket, env::Files& files, env::Clock& clock);
  std::shared_ptr<const TlsSet> current() const;

  const bool websocket_;
  env::Files& files_;
  env::Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsSet> set_;
};

}  // namespace martlet::net
