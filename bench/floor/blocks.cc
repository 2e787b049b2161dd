#include "blocks.h"

namespace martlet::floor {

Blocks::~Blocks() {
  for (Block* block : free_) delete block;
}

Block* Blocks::take() {
  if (free_.empty()) free_.push_back(new Block);  // its bytes are not touched before they are read into
  Block* block = free_.back();
  free_.pop_back();
  block->references = 1;
  return block;
}

void Blocks::release(Block* block) {
  if (--block->references == 0) free_.push_back(block);
}

}  // namespace martlet::floor
