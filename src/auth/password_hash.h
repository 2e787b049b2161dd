// Password hashes as password files and user tables hold them: reading, checking, making. A hash is never renewed at a
// log-in: the file or table is the operator's. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/entropy.h"

namespace martlet::auth {

struct PasswordHash {
  enum class Kind : std::uint8_t {
    sha512,         // $6$SALT$HASH: Mosquitto 1.x, SHA-512(password, salt); cheap to break
    pbkdf2_sha512,  // $7$ITERATIONS$SALT$HASH: Mosquitto 2.0
    argon2id,       // $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH: Martlet, Mosquitto 2.1
    scram_sha256,   // SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY: as PostgreSQL writes it [RFC 5803]
  };
  Kind kind = Kind::argon2id;
  std::uint32_t iterations = 0;  // argon2id: passes
  std::uint32_t memory_kib = 0;  // argon2id
  std::uint32_t lanes = 0;       // argon2id
  std::uint32_t version = 0;     // argon2id: 16 or 19
  std::vector<std::uint8_t> salt;
  std::vector<std::uint8_t> hash;        // scram_sha256: StoredKey
  std::vector<std::uint8_t> server_key;  // scram_sha256
};

// Reads one of the forms above. The Error says what is wrong with it without showing it. What a check would cost is
// bounded (1 GiB of memory, some seconds), so that a bad line cannot stop the broker.
Result<PasswordHash> parse_password_hash(std::string_view text);

// Whether `password` belongs to `hash`; an Error if that cannot be found out now (no memory). Takes the same time
// whatever the answer.
Result<bool> verify_password(const PasswordHash& hash, ByteView password);

// One that no password belongs to and that takes as long to check.
PasswordHash decoy_of(const PasswordHash& hash);

// About what a check takes on one core of 2020, in microseconds.
std::uint64_t estimated_us(const PasswordHash& hash);

struct HashOptions {
  PasswordHash::Kind kind = PasswordHash::Kind::argon2id;
  // argon2id: OWASP's minimum, 19 MiB and two passes.
  std::uint32_t memory_kib = 19'456;
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
  std::uint32_t pbkdf2_iterations = 210'000;  // OWASP's minimum
  std::uint32_t scram_iterations = 4'096;     // of what each client has to compute [RFC 7677 4]
};

// The text of a new hash with a salt of its own. An Error for `sha512`, for bounds that parse_password_hash() would not
// let through, and without memory.
Result<std::string> make_password_hash(const HashOptions& options, ByteView password, env::Entropy& entropy);

}  // namespace martlet::auth
