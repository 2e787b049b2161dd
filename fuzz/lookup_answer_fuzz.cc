// What services answer, and what of a client goes to them: the first byte picks the reader.
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/access_http.h"
#include "auth/http_answer.h"
#include "auth/name_template.h"
#include "auth/service_url.h"
#include "auth/user_row.h"
#include "base/check.h"

namespace {

using namespace martlet;
using namespace martlet::auth;

void read_answer(std::string_view text) {
  const Asked asked = read_http_answer({200, std::string(text), false}, 1'700'000'000'000);
  const bool allowed = asked.opinion.kind == Opinion::Kind::allow;
  check(allowed || asked.opinion.grants == nullptr, "nothing is granted to those who are not allowed");
  check(!allowed || text.find("allow") != text.npos || text.find('\\') != text.npos, "an allowance says so");
  (void)read_http_access({200, std::string(text), false});
}

void write_names(std::string_view text) {
  const std::string dn = escape_dn(text);
  check(dn.find_first_of(",+\"<>;=# ") == std::string::npos, "nothing in a name ends its value");
  check(escape_filter(dn).find_first_of("()*") == std::string::npos, "nothing in a name ends its filter");
  (void)fill_template(text, text.substr(0, 10), "client", escape_dn);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      read_answer(text);
      break;
    case 1:
      (void)parse_array(text);
      (void)parse_comma_list(text);
      (void)parse_flag(text);
      break;
    case 2:
      write_names(text);
      break;
    default:
      (void)parse_service_url(text);
      break;
  }
  return 0;
}
