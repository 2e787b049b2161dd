// What is to be said about the days on which a server's certificate is good.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/ports.h"
#include "net/tls_validity.h"

namespace martlet::server {

// Something that the owner of the broker should know.
struct Notice {
  broker::LogLevel level = broker::LogLevel::warning;
  std::string text;
};

// An error for a certificate that has expired, a warning for one that is not good yet or of whose life less than a
// fifth, and less than 14 days, is left; else nothing. So one of 90 days is mentioned 14 days, one of 6 days 29 hours
// before its end, when whoever renews it by a program is late.
std::optional<Notice> notice_of_dates(const net::TlsValidity& validity, std::int64_t wall_ms);

}  // namespace martlet::server
