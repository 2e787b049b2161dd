// TLS in the client role, by OpenSSL, between buffers in memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/bench/byte_filter.h"

struct ssl_ctx_st;
struct ssl_st;

namespace martlet::tools::bench {

struct TlsOptions {
  bool on = false;
  std::string ca_file;    // PEM; empty: the system's certificates
  std::string cert_file;  // PEM; the client's own certificate, empty: none
  std::string key_file;   // PEM; its key
  std::string version;    // "tlsv1.2" or "tlsv1.3": only that; empty: 1.2 or newer
  bool insecure = false;  // the broker's name is not checked, and without a ca_file nothing is
};

// What all connections of a run have in common. Any thread may make filters of it.
class TlsContext {
 public:
  // `host` is the broker's name or address as the user gave it. An Error names the file or option.
  static Result<std::unique_ptr<TlsContext>> make(const TlsOptions& options, std::string_view host);

  // A connection's filter; the context outlives it.
  std::unique_ptr<ByteFilter> make_filter() const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  TlsContext(ssl_ctx_st* context, std::string_view host, bool check_name)
      : context_(context), host_(host), check_name_(check_name) {}

  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string host_;
  bool check_name_;
};

}  // namespace martlet::tools::bench
