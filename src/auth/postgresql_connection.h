// A connection to PostgreSQL with one prepared query, through libpq without its waiting.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/user_row.h"
#include "base/result.h"
#include "env/deadline.h"

namespace martlet::auth {

struct PostgresqlTarget {
  // libpq's connection parameters, without hosts and ports.
  std::vector<std::pair<std::string, std::string>> parameters;
  // Names, addresses or, with a leading slash, directories of Unix sockets; and a port for each, or one for all.
  std::vector<std::string> hosts;
  std::vector<std::string> ports;
  std::string query;
};

// What came of a query.
struct PostgresqlAnswer {
  std::optional<UserRow> row;  // empty: there is none, or `error`
  std::string error;
  bool unreached = false;  // the error is the server's or the connection's, not the question's
};

// One thread at a time.
class PostgresqlConnection {
 public:
  // Connects and prepares the query.
  static Result<std::unique_ptr<PostgresqlConnection>> open(const PostgresqlTarget& target,
                                                            const env::Deadline& deadline);

  // Runs the query with $1 and, if it has that, $2. Neither may have a NUL.
  PostgresqlAnswer find(const std::string& username, const std::string& client_id, const env::Deadline& deadline);
  bool usable() const { return usable_; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using ResultSet = std::unique_ptr<PGresult, Clear>;

  explicit PostgresqlConnection(PGconn* connection) : connection_(connection) {}
  Result<void> connect(const env::Deadline& deadline);
  Result<void> prepare(const std::string& query, const env::Deadline& deadline);
  // Sends what libpq has buffered.
  Result<void> flush(const env::Deadline& deadline);
  // The next result of what was sent; null: that was all.
  Result<ResultSet> next(const env::Deadline& deadline);
  // The results of a command that gives no rows: the last one.
  Result<ResultSet> finish_command(const env::Deadline& deadline);
  PostgresqlAnswer collect(const env::Deadline& deadline);
  PostgresqlAnswer read_error(const PGresult* result);
  PostgresqlAnswer broken(std::string error);
  std::string error_text() const;

  std::unique_ptr<PGconn, Finish> connection_;
  int parameters_ = 0;
  bool usable_ = true;
};

}  // namespace martlet::auth
