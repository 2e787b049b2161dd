#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace martlet {

void check_failed(const char* what, const std::source_location& where) {
  std::fprintf(stderr, "martlet: broken invariant: %s (%s:%u, %s)\n", what, where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::abort();
}

}  // namespace martlet
