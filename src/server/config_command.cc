#include "server/config_command.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "env/posix/system.h"
#include "server/config/documentation.h"

namespace martlet::server {
namespace {

constexpr std::size_t kMaxPageBytes = 4 * 1024 * 1024;

Result<void> renew_file(const std::string& path, env::Files& files) {
  const auto page = files.read_all(path, kMaxPageBytes);
  if (!page) return tl::unexpected(page.error());
  const auto renewed = renew_page(*page);
  if (!renewed) return fail(fmt::format("{}: {}", path, renewed.error().message));
  return files.write_all(path, as_bytes(*renewed));
}

}  // namespace

int config_main(int argc, char** argv) {
  const auto files = env::posix::make_files();
  const bool docs = (argc == 2 || argc == 3) && std::string_view(argv[1]) == "docs";
  Result<void> done = fail("usage: martlet config docs [FILE]");
  if (docs && argc == 3) done = renew_file(argv[2], *files);
  if (docs && argc == 2) done = files->write_stream(env::Handle::standard_output, as_bytes(options_markdown()));
  if (done) return 0;
  static_cast<void>(files->write_stream(env::Handle::standard_error,
                                        as_bytes(fmt::format("martlet config: {}\n", done.error().message))));
  return docs ? 1 : 2;
}

}  // namespace martlet::server
