#include "auth/postgresql_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "env/posix/bounded_socket.h"

namespace martlet::auth {
namespace {

constexpr const char* kStatement = "martlet_user";
constexpr const char* kTooLate = "no answer in time";

// Object identifiers of the types that groups may have: name[], text[], bpchar[], varchar[].
constexpr std::array<Oid, 4> kTextArrays{1003, 1009, 1014, 1015};

// libpq's messages have several lines; the last one has an end.
std::string one_line(std::string_view text) {
  std::string line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\t', ' ');
  return line;
}

void append_item(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

// Host names are resolved here, since libpq would wait for the name service without end. It gets each address with its
// name, which TLS checks, and its port.
Result<void> add_hosts(const PostgresqlTarget& target, const env::Deadline& deadline,
                       std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string hosts;
  std::string addresses;
  std::string ports;
  for (std::size_t i = 0; i < target.hosts.size(); ++i) {
    const std::string& host = target.hosts[i];
    std::vector<std::string> found{""};
    if (!host.starts_with('/') && !host.empty()) {
      auto resolved = env::posix::resolve_within(host, deadline);
      if (!resolved) return tl::unexpected(resolved.error());
      found = std::move(*resolved);
    }
    for (const std::string& address : found) {
      hosts += hosts.empty() ? host : ',' + host;
      addresses += &address == &found.front() && i == 0 ? address : ',' + address;
      if (!target.ports.empty()) append_item(ports, target.ports[std::min(i, target.ports.size() - 1)]);
    }
  }
  parameters.emplace_back("host", hosts);
  parameters.emplace_back("hostaddr", addresses);
  parameters.emplace_back("port", ports);
  return {};
}

Result<UserRow> read_row(const PGresult* result) {
  const auto value = [result](int column) { return std::string(PQgetvalue(result, 0, column)); };
  const auto there = [result](int column) { return column >= 0 && PQgetisnull(result, 0, column) == 0; };
  UserRow row;
  // A query of one column may call it what it likes.
  const int hash = PQnfields(result) == 1 ? 0 : PQfnumber(result, "password_hash");
  if (hash < 0) return fail("the query gives no column password_hash");
  if (there(hash)) row.password_hash = value(hash);
  if (const int superuser = PQfnumber(result, "is_superuser"); there(superuser)) {
    const auto flag = parse_flag(value(superuser));
    if (!flag) return tl::unexpected(flag.error());
    row.superuser = *flag;
  }
  if (const int groups = PQfnumber(result, "groups"); there(groups)) {
    const bool array = std::find(kTextArrays.begin(), kTextArrays.end(), PQftype(result, groups)) != kTextArrays.end();
    auto names = array ? parse_array(value(groups)) : Result<std::vector<std::string>>(parse_comma_list(value(groups)));
    if (!names) return tl::unexpected(names.error());
    row.groups = std::move(*names);
  }
  return row;
}

}  // namespace

Result<std::unique_ptr<PostgresqlConnection>> PostgresqlConnection::open(const PostgresqlTarget& target,
                                                                         const env::Deadline& deadline) {
  auto parameters = target.parameters;
  if (auto added = add_hosts(target, deadline, parameters); !added) return tl::unexpected(added.error());
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<PostgresqlConnection> connection(
      new PostgresqlConnection(PQconnectStartParams(names.data(), values.data(), 0)));
  if (auto connected = connection->connect(deadline); !connected) return tl::unexpected(connected.error());
  if (auto prepared = connection->prepare(target.query, deadline); !prepared) return tl::unexpected(prepared.error());
  return connection;
}

Result<void> PostgresqlConnection::connect(const env::Deadline& deadline) {
  PGconn* const connection = connection_.get();
  if (connection == nullptr) return fail("libpq gives no connection");
  // Notices would go to the standard error stream.
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
  while (PQstatus(connection) != CONNECTION_BAD && wants != PGRES_POLLING_OK && wants != PGRES_POLLING_FAILED) {
    const env::posix::Readiness wanted{wants == PGRES_POLLING_READING, wants == PGRES_POLLING_WRITING};
    if (!env::posix::wait_ready(PQsocket(connection), wanted, deadline)) return fail(kTooLate);
    wants = PQconnectPoll(connection);
  }
  if (PQstatus(connection) != CONNECTION_OK) return fail(error_text());
  if (PQsetnonblocking(connection, 1) != 0) return fail(error_text());
  return {};
}

Result<void> PostgresqlConnection::prepare(const std::string& query, const env::Deadline& deadline) {
  PGconn* const connection = connection_.get();
  if (PQsendPrepare(connection, kStatement, query.c_str(), 0, nullptr) == 0) return fail(error_text());
  if (auto prepared = finish_command(deadline); !prepared) return tl::unexpected(prepared.error());
  if (PQsendDescribePrepared(connection, kStatement) == 0) return fail(error_text());
  const auto described = finish_command(deadline);
  if (!described) return tl::unexpected(described.error());
  parameters_ = PQnparams(described->get());
  if (parameters_ != 1 && parameters_ != 2)
    return fail(
        fmt::format("the query has {} parameters; it must have $1, the user name, and may have $2, the client "
                    "identifier",
                    parameters_));
  return {};
}

PostgresqlAnswer PostgresqlConnection::find(const std::string& username, const std::string& client_id,
                                            const env::Deadline& deadline) {
  const std::array<const char*, 2> values{username.c_str(), client_id.c_str()};
  PGconn* const connection = connection_.get();
  usable_ = false;  // until all is read
  if (PQsendQueryPrepared(connection, kStatement, parameters_, values.data(), nullptr, nullptr, 0) == 0)
    return broken(error_text());
  // However many rows there are, they are not collected first.
  PQsetSingleRowMode(connection);
  return collect(deadline);
}

PostgresqlAnswer PostgresqlConnection::collect(const env::Deadline& deadline) {
  PostgresqlAnswer answer;
  for (;;) {
    const auto result = next(deadline);
    if (!result) return broken(result.error().message);
    if (*result == nullptr) break;
    const ExecStatusType status = PQresultStatus(result->get());
    if (status == PGRES_SINGLE_TUPLE) {
      // The rest is not waited for: the connection goes.
      if (answer.row) return {std::nullopt, "the query gives more than one row", false};
      auto row = read_row(result->get());
      if (!row) return {std::nullopt, row.error().message, false};
      answer.row = std::move(*row);
    } else if (status != PGRES_TUPLES_OK) {
      answer = read_error(result->get());
      if (answer.unreached) return answer;
      // A value that the server cannot take says nothing against the connection; after anything else a new one is
      // surer, such as when a table was altered.
      const char* const code = PQresultErrorField(result->get(), PG_DIAG_SQLSTATE);
      if (code == nullptr || !std::string_view(code).starts_with("22")) return answer;
    }
  }
  usable_ = true;
  return answer;
}

PostgresqlAnswer PostgresqlConnection::read_error(const PGresult* result) {
  const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view state = code == nullptr ? "" : code;
  // Connection trouble, too few resources, the server shuts down, a system error: not this question's fault.
  const bool server = state.empty() || state.starts_with("08") || state.starts_with("53") || state.starts_with("57") ||
                      state.starts_with("58") || PQstatus(connection_.get()) != CONNECTION_OK;
  return {std::nullopt, one_line(text == nullptr ? PQresultErrorMessage(result) : text), server};
}

Result<void> PostgresqlConnection::flush(const env::Deadline& deadline) {
  PGconn* const connection = connection_.get();
  for (;;) {
    const int left = PQflush(connection);
    if (left == 0) return {};
    if (left < 0) return fail(error_text());
    if (!env::posix::wait_ready(PQsocket(connection), {true, true}, deadline)) return fail(kTooLate);
    if (PQconsumeInput(connection) == 0) return fail(error_text());
  }
}

Result<PostgresqlConnection::ResultSet> PostgresqlConnection::next(const env::Deadline& deadline) {
  PGconn* const connection = connection_.get();
  if (auto flushed = flush(deadline); !flushed) return tl::unexpected(flushed.error());
  while (PQisBusy(connection) != 0) {
    if (!env::posix::wait_ready(PQsocket(connection), {.read = true}, deadline) || deadline.passed())
      return fail(kTooLate);
    if (PQconsumeInput(connection) == 0) return fail(error_text());
  }
  return ResultSet(PQgetResult(connection));
}

Result<PostgresqlConnection::ResultSet> PostgresqlConnection::finish_command(const env::Deadline& deadline) {
  ResultSet last;
  for (;;) {
    auto result = next(deadline);
    if (!result) return result;
    if (*result == nullptr) return last;
    if (PQresultStatus(result->get()) != PGRES_COMMAND_OK) return fail(read_error(result->get()).error);
    last = std::move(*result);
  }
}

PostgresqlAnswer PostgresqlConnection::broken(std::string error) {
  return {std::nullopt, std::move(error), true};
}

std::string PostgresqlConnection::error_text() const {
  return one_line(PQerrorMessage(connection_.get()));
}

}  // namespace martlet::auth
