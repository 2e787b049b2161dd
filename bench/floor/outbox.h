// What waits to be written to one client: small packets side by side in one buffer, large payloads as pieces of the
// blocks that they were read into.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "blocks.h"

namespace martlet::floor {

class Outbox {
 public:
  // Where the bytes begin; they may be changed until the next call.
  char* append(std::string_view bytes) {
    const std::size_t before = text_.size();
    text_.append(bytes);
    return text_.data() + before;
  }
  // Takes over the piece's reference.
  void append(const Piece& piece) { pieces_.push_back({text_.size(), piece}); }

  enum class Outcome { all_written, blocked, failed };
  Outcome write_to(int fd, Blocks& blocks);
  // Gives the references back.
  void clear(Blocks& blocks);

 private:
  struct PlacedPiece {
    std::size_t text_before;  // how much of text_ comes before it
    Piece piece;
  };

  Outcome write_text(int fd);
  Outcome write_all(int fd, Blocks& blocks);
  void consume(std::size_t count, Blocks& blocks);

  std::string text_;
  std::size_t text_sent_ = 0;
  std::vector<PlacedPiece> pieces_;
  std::size_t pieces_sent_ = 0;
};

}  // namespace martlet::floor
