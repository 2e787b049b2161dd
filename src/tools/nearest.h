// The known name nearest to a misspelt one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::tools {

class Nearest {
 public:
  explicit Nearest(std::string_view wanted) : wanted_(wanted) {}
  void offer(std::string_view known);
  // The best so far, or empty if none is near: at most a third of its letters differ.
  const std::string& best() const { return best_; }

 private:
  std::string wanted_;
  std::string best_;
  std::size_t distance_ = SIZE_MAX;
};

// How many letters have to be put in, taken out, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace martlet::tools
