#include "auth/ldap_connection.h"

#include <fmt/format.h>
#include <openldap.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "env/posix/bounded_socket.h"
#include "env/posix/descriptor.h"

namespace martlet::auth {
namespace {

constexpr ber_len_t kMaxMessageBytes = 1 << 20;

timeval to_timeval(std::int64_t ms) {
  return {static_cast<time_t>(ms / 1'000), static_cast<suseconds_t>(ms % 1'000 * 1'000)};
}

std::string url_of(const LdapTarget& target) {
  return fmt::format("{}://{}", target.tls == LdapTls::ldaps ? "ldaps" : "ldap", env::to_text(target.endpoint));
}

int give_up() {
  errno = ETIMEDOUT;
  return -1;
}

// Moves bytes by `move` and, when the socket is not ready, waits for that.
template <class Move>
ber_slen_t move_in_time(Sockbuf_IO_Desc* layer, const env::Deadline* deadline, env::posix::Readiness wanted,
                        Move move) {
  for (;;) {
    if (deadline != nullptr && deadline->passed()) return give_up();
    const ber_slen_t count = move();
    if (deadline == nullptr || count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return count;
    ber_socket_t fd = -1;
    ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &fd);
    if (!env::posix::wait_ready(fd, wanted, *deadline)) return give_up();
  }
}

std::string text_of(int code, const char* more) {
  const std::string meaning = ldap_err2string(code);
  return more == nullptr || *more == '\0' ? meaning : fmt::format("{} ({})", meaning, more);
}

}  // namespace

const Sockbuf_IO LdapConnection::TimeLimit::kLayer{
    .sbi_setup =
        [](Sockbuf_IO_Desc* layer, void* limit) {
          layer->sbiod_pvt = limit;
          return 0;
        },
    .sbi_remove = [](Sockbuf_IO_Desc*) { return 0; },
    .sbi_ctrl = [](Sockbuf_IO_Desc* layer, int option,
                   void* argument) { return LBER_SBIOD_CTRL_NEXT(layer, option, argument); },
    .sbi_read = [](Sockbuf_IO_Desc* layer, void* room, ber_len_t size) -> ber_slen_t {
      const env::Deadline* const until = static_cast<TimeLimit*>(layer->sbiod_pvt)->deadline;
      return move_in_time(layer, until, {.read = true}, [&] { return LBER_SBIOD_READ_NEXT(layer, room, size); });
    },
    .sbi_write = [](Sockbuf_IO_Desc* layer, void* bytes, ber_len_t size) -> ber_slen_t {
      const env::Deadline* const until = static_cast<TimeLimit*>(layer->sbiod_pvt)->deadline;
      return move_in_time(layer, until, {.write = true}, [&] { return LBER_SBIOD_WRITE_NEXT(layer, bytes, size); });
    },
    .sbi_close = [](Sockbuf_IO_Desc*) { return 0; },
};

Result<std::unique_ptr<LdapConnection>> LdapConnection::open(const LdapTarget& target, const env::Deadline& deadline) {
  auto socket = env::posix::BoundedSocket::connect(target.endpoint, deadline);
  if (!socket) return tl::unexpected(socket.error());
  env::posix::OwnedDescriptor descriptor(socket->release());
  LDAP* ldap = nullptr;
  const int code = ldap_init_fd(descriptor.get(), LDAP_PROTO_TCP, url_of(target).c_str(), &ldap);
  if (code != LDAP_SUCCESS) return fail(fmt::format("libldap does not start: {}", ldap_err2string(code)));
  descriptor.release();  // libldap closes it now
  std::unique_ptr<LdapConnection> connection(new LdapConnection(ldap));
  if (auto done = connection->set_up(target, deadline); !done) return tl::unexpected(done.error());
  return connection;
}

Result<void> LdapConnection::set_up(const LdapTarget& target, const env::Deadline& deadline) {
  LDAP* const ldap = ldap_.get();
  const int version = LDAP_VERSION3;
  ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
  // A referral would hand the password to whom the answer names.
  ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  if (buffer() == nullptr) return fail("libldap shows no buffer");
  ber_len_t most = kMaxMessageBytes;
  ber_sockbuf_ctrl(buffer(), LBER_SB_OPT_SET_MAX_INCOMING, &most);
  return target.tls == LdapTls::none ? Result<void>() : start_tls(target, deadline);
}

Result<void> LdapConnection::start_tls(const LdapTarget& target, const env::Deadline& deadline) {
  LDAP* const ldap = ldap_.get();
  const int demand = LDAP_OPT_X_TLS_DEMAND;
  const int oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
  const int client = 0;
  bool set = ldap_set_option(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
             ldap_set_option(ldap, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest) == LDAP_OPT_SUCCESS;
  if (set && !target.ca_file.empty())
    set = ldap_set_option(ldap, LDAP_OPT_X_TLS_CACERTFILE, target.ca_file.c_str()) == LDAP_OPT_SUCCESS;
  if (!set || ldap_set_option(ldap, LDAP_OPT_X_TLS_NEWCTX, &client) != LDAP_OPT_SUCCESS)
    return fail("TLS cannot be set up; is ca_file a certificate in PEM format?");
  if (target.tls == LdapTls::starttls) {
    set_time_limit(deadline);
    int request = 0;
    if (const int code = ldap_start_tls(ldap, nullptr, nullptr, &request); code != LDAP_SUCCESS)
      return fail(fmt::format("StartTLS: {}", broken(code).text));
    LdapAnswer answer;
    const Message message = wait(request, deadline, answer);
    if (message != nullptr) answer = read_result(message.get());
    if (answer.code != LDAP_SUCCESS) return fail(fmt::format("StartTLS: {}", answer.text));
  }
  auto shaken = shake_hands(deadline);
  // libldap then looks in the certificate for the name of this machine.
  if (!shaken && strcasecmp(target.endpoint.host.c_str(), "localhost") == 0)
    return fail(shaken.error().message + "; TLS with localhost does not work here: name the server in url by another " +
                "name or address of its certificate, such as 127.0.0.1");
  return shaken;
}

Result<void> LdapConnection::shake_hands(const env::Deadline& deadline) {
  // Its table is not const, and not changed.
  auto* const layer = const_cast<Sockbuf_IO*>(&TimeLimit::kLayer);
  if (ber_sockbuf_add_io(buffer(), layer, LBER_SBIOD_LEVEL_PROVIDER + 1, &time_limit_) != 0)
    return fail("libldap takes no time limit");
  time_limit_.deadline = &deadline;
  set_time_limit(deadline);
  const int code = ldap_install_tls(ldap_.get());
  time_limit_.deadline = nullptr;
  if (code == LDAP_SUCCESS) return {};
  if (deadline.passed()) return fail("TLS: no answer in time");
  return fail(fmt::format("TLS: {}", text_of(code, diagnostic().c_str())));
}

Sockbuf* LdapConnection::buffer() {
  Sockbuf* buffer = nullptr;
  const bool found = ldap_get_option(ldap_.get(), LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS;
  return found ? buffer : nullptr;
}

LdapAnswer LdapConnection::bind(const std::string& dn, ByteView password, const env::Deadline& deadline) {
  set_time_limit(deadline);
  // libldap takes it as its own to change, and does not.
  berval proof{password.size(), const_cast<char*>(reinterpret_cast<const char*>(password.data()))};
  int request = 0;
  const int code = ldap_sasl_bind(ldap_.get(), dn.c_str(), LDAP_SASL_SIMPLE, &proof, nullptr, nullptr, &request);
  if (code != LDAP_SUCCESS) return broken(code);
  LdapAnswer answer;
  const Message message = wait(request, deadline, answer);
  return message == nullptr ? answer : read_result(message.get());
}

LdapAnswer LdapConnection::search(const std::string& base, const std::string& filter, const std::string& attribute,
                                  std::vector<std::string>& values, const env::Deadline& deadline) {
  return each_entry({base, LDAP_SCOPE_SUBTREE, filter, attribute}, deadline,
                    [&](LDAPMessage* entry) { add_values(entry, attribute, values); });
}

LdapAnswer LdapConnection::read_name(const std::string& dn, std::string& found, const env::Deadline& deadline) {
  const std::string any = "(objectClass=*)";
  return each_entry({dn, LDAP_SCOPE_BASE, any, LDAP_NO_ATTRS}, deadline, [&](LDAPMessage* entry) {
    char* const name = ldap_get_dn(ldap_.get(), entry);
    if (name != nullptr) found = name;
    ldap_memfree(name);
  });
}

LdapAnswer LdapConnection::each_entry(Search search, const env::Deadline& deadline,
                                      const std::function<void(LDAPMessage*)>& see) {
  set_time_limit(deadline);
  std::array<char*, 2> attributes{search.attribute.data(), nullptr};
  timeval limit = to_timeval(std::max<std::int64_t>(deadline.left_ms(), 1'000));  // the server's, in whole seconds
  int request = 0;
  const int code =
      ldap_search_ext(ldap_.get(), search.base.c_str(), search.scope, search.filter.c_str(), attributes.data(), 0,
                      nullptr, nullptr, &limit, static_cast<int>(kMaxEntries), &request);
  if (code != LDAP_SUCCESS) return broken(code);
  for (std::size_t entries = 0; entries <= kMaxEntries;) {
    LdapAnswer answer;
    const Message message = wait(request, deadline, answer);
    if (message == nullptr) return answer;
    const int type = ldap_msgtype(message.get());
    if (type == LDAP_RES_SEARCH_RESULT) return read_result(message.get());
    if (type != LDAP_RES_SEARCH_ENTRY) continue;  // a reference to elsewhere
    ++entries;
    see(message.get());
  }
  return broken(LDAP_SIZELIMIT_EXCEEDED);
}

void LdapConnection::add_values(LDAPMessage* entry, const std::string& attribute, std::vector<std::string>& values) {
  berval** const found = ldap_get_values_len(ldap_.get(), entry, attribute.c_str());
  for (berval** value = found; value != nullptr && *value != nullptr; ++value)
    values.emplace_back((*value)->bv_val, (*value)->bv_len);
  ldap_value_free_len(found);
}

LdapConnection::Message LdapConnection::wait(int request, const env::Deadline& deadline, LdapAnswer& answer) {
  timeval left = to_timeval(deadline.left_ms());
  LDAPMessage* message = nullptr;
  const int type = ldap_result(ldap_.get(), request, LDAP_MSG_ONE, &left, &message);
  if (type > 0) return Message(message);
  int code = LDAP_TIMEOUT;
  if (type < 0) ldap_get_option(ldap_.get(), LDAP_OPT_RESULT_CODE, &code);
  answer = broken(code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code);
  return nullptr;
}

LdapAnswer LdapConnection::read_result(LDAPMessage* message) {
  int code = LDAP_OTHER;
  char* text = nullptr;
  const int parsed = ldap_parse_result(ldap_.get(), message, &code, nullptr, &text, nullptr, nullptr, 0);
  LdapAnswer answer = parsed == LDAP_SUCCESS ? LdapAnswer{code, text_of(code, text)} : broken(parsed);
  ldap_memfree(text);
  return answer;
}

LdapAnswer LdapConnection::broken(int code) {
  usable_ = false;
  return {code < 0 ? code : LDAP_OTHER, code == LDAP_TIMEOUT ? "no answer in time" : text_of(code, nullptr)};
}

void LdapConnection::set_time_limit(const env::Deadline& deadline) {
  const timeval left = to_timeval(std::max<std::int64_t>(deadline.left_ms(), 1));
  ldap_set_option(ldap_.get(), LDAP_OPT_NETWORK_TIMEOUT, &left);
  ldap_set_option(ldap_.get(), LDAP_OPT_TIMEOUT, &left);
}

std::string LdapConnection::diagnostic() const {
  char* text = nullptr;
  ldap_get_option(ldap_.get(), LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
  std::string copy = text == nullptr ? "" : text;
  ldap_memfree(text);
  return copy;
}

}  // namespace martlet::auth
