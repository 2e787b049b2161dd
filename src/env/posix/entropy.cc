#include <sys/random.h>

#include <cerrno>

#include "base/check.h"
#include "env/posix/system.h"

namespace martlet::env::posix {
namespace {

class PosixEntropy final : public Entropy {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
      check(count > 0 || errno == EINTR, "the system gives random bytes");
      if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
};

}  // namespace

std::unique_ptr<Entropy> make_entropy() {
  return std::make_unique<PosixEntropy>();
}

}  // namespace martlet::env::posix
