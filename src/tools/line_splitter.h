// Cuts a stream into lines at '\n', whatever the pieces in which it arrives.
#pragma once

#include <string>
#include <string_view>

namespace martlet::tools {

class LineSplitter {
 public:
  // Calls take(line) for each line that `piece` completes, without its '\n'.
  template <class Take>
  void feed(std::string_view piece, Take&& take) {
    for (std::size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      if (held_.empty()) {
        take(piece.substr(0, end));
      } else {
        held_ += piece.substr(0, end);
        take(std::string_view(held_));
        held_.clear();
      }
      piece.remove_prefix(end + 1);
    }
    held_ += piece;
  }
  // The stream is over: a last line without '\n' counts if it is not empty.
  template <class Take>
  void finish(Take&& take) {
    if (!held_.empty()) take(std::string_view(held_));
    held_.clear();
  }
  std::size_t held_bytes() const { return held_.size(); }

 private:
  std::string held_;
};

}  // namespace martlet::tools
