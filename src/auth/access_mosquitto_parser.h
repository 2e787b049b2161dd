// Reads Mosquitto's acl_file exactly as Mosquitto does.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace martlet::auth {

struct MosquittoAcl {
  // "deny" is neither reading nor writing.
  struct Rule {
    bool read = false;
    bool write = false;
    std::string filter;
    std::size_t line = 0;

    bool denies() const { return !read && !write; }
  };
  // In the order of the file.
  std::vector<Rule> anonymous;  // before any `user`
  std::map<std::string, std::vector<Rule>> users;
  std::vector<Rule> patterns;  // for everyone, with %c and %u
};

// `topic|pattern [read|write|readwrite|deny] FILTER`, `user NAME`, comments with '#' in the first column. A filter with
// spaces needs the access word, and only spaces separate words. The error is "FILE:LINE: what".
Result<MosquittoAcl> parse_mosquitto_acl(std::string_view text, std::string_view file_name);

}  // namespace martlet::auth
