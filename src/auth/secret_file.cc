#include "auth/secret_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::auth {
namespace {

constexpr std::size_t kMaxSecretBytes = 16'384;
constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

Result<std::string> read_secret(env::Files& files, std::string_view option, const std::string& path) {
  if (path.empty()) return std::string();
  auto text = files.read_all(path, kMaxSecretBytes);
  if (!text) return fail(fmt::format("{}: {}", option, text.error().message), text.error().system_code);
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return fail(fmt::format("{}: '{}' is empty; write the secret into it, as one line", option, path));
  if (std::any_of(text->begin(), text->end(), is_control))
    return fail(fmt::format("{}: '{}' must hold one line of text without control characters", option, path));
  return text;
}

Result<void> check_readable(env::Files& files, std::string_view option, const std::string& path) {
  if (path.empty()) return {};
  auto text = files.read_all(path, kMaxFileBytes);
  if (!text) return fail(fmt::format("{}: {}", option, text.error().message), text.error().system_code);
  return {};
}

}  // namespace martlet::auth
