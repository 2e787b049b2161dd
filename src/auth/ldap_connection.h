// A connection to an LDAP server, through libldap with a socket of ours: each wait has an end.
#pragma once

#include <ldap.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/deadline.h"
#include "env/endpoint.h"

namespace martlet::auth {

enum class LdapTls : std::uint8_t { none, starttls, ldaps };

struct LdapTarget {
  env::Endpoint endpoint;
  LdapTls tls = LdapTls::none;
  std::string ca_file;  // empty: the system's
};

// What a server answered.
struct LdapAnswer {
  int code = LDAP_SUCCESS;  // LDAP_SERVER_DOWN, LDAP_TIMEOUT and other negative ones: nothing
  std::string text;         // what it means, with what the server says besides
};

// One thread at a time.
class LdapConnection {
 public:
  static constexpr std::size_t kMaxEntries = 1'000;

  // Connects, and has TLS where it is asked for.
  static Result<std::unique_ptr<LdapConnection>> open(const LdapTarget& target, const env::Deadline& deadline);

  // A simple bind: who the connection speaks for afterwards. `password` is not empty: without one a server says yes to
  // anybody [RFC 4513, 5.1.2].
  LdapAnswer bind(const std::string& dn, ByteView password, const env::Deadline& deadline);
  // Adds all values of `attribute` of what `filter` finds at or below `base`.
  LdapAnswer search(const std::string& base, const std::string& filter, const std::string& attribute,
                    std::vector<std::string>& values, const env::Deadline& deadline);
  // Reads what the entry `dn` is called, in the spelling that the directory keeps; `found` stays empty if it may not be
  // read.
  LdapAnswer read_name(const std::string& dn, std::string& found, const env::Deadline& deadline);
  bool usable() const { return usable_; }

 private:
  struct Unbind {
    void operator()(LDAP* ldap) const { ldap_unbind_ext(ldap, nullptr, nullptr); }
  };
  struct FreeMessage {
    void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
  };
  using Message = std::unique_ptr<LDAPMessage, FreeMessage>;

  // Between socket and TLS: libldap's handshake knows no time limit, so this waits in its place and then gives up.
  struct TimeLimit {
    const env::Deadline* deadline = nullptr;  // null: no handshake under way, nothing waits here
    static const Sockbuf_IO kLayer;
  };

  explicit LdapConnection(LDAP* ldap) : ldap_(ldap) {}
  Sockbuf* buffer();
  Result<void> shake_hands(const env::Deadline& deadline);
  void set_time_limit(const env::Deadline& deadline);
  Result<void> set_up(const LdapTarget& target, const env::Deadline& deadline);
  Result<void> start_tls(const LdapTarget& target, const env::Deadline& deadline);
  // Calls `see` for each entry.
  struct Search {
    const std::string& base;
    int scope;
    const std::string& filter;
    std::string attribute;
  };
  LdapAnswer each_entry(Search search, const env::Deadline& deadline, const std::function<void(LDAPMessage*)>& see);
  // The next message of a request; null, with the answer, if none came.
  Message wait(int request, const env::Deadline& deadline, LdapAnswer& answer);
  LdapAnswer read_result(LDAPMessage* message);
  void add_values(LDAPMessage* entry, const std::string& attribute, std::vector<std::string>& values);
  // That a request could not be sent, or no answer be read.
  LdapAnswer broken(int code);
  std::string diagnostic() const;

  TimeLimit time_limit_;
  std::unique_ptr<LDAP, Unbind> ldap_;  // behind time_limit_, which its buffer uses
  bool usable_ = true;
};

}  // namespace martlet::auth
